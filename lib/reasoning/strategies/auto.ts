import { z } from "zod";
import { readQuestion } from "../answers/question.ts";
import { callsTools, lastQuestion } from "../conversation.ts";
import type { ReasoningRequest } from "../request.ts";
import type { Router } from "../strategy.ts";

/** Words and signs of a question that has one short answer. */
const CLOSED =
  /\bhow (many|much|old|far|long|tall)\b|\bwhat (is|are) the (value|sum|product|number|probability|remainder|area)\b|\b(calculate|compute|evaluate|solve)\b|\bfind (the )?(value|number|sum|all)\b|多少|几[个岁只条次]|求[出解]|计算|等于|\d\s*[-+*/×÷^=<>]\s*[\d(x-z]|\\frac|\\sqrt/i;

export const auto: Router = {
  summary: "Chooses a strategy by effort and question, without an extra call.",
  label: { calls: "as the chosen strategy", latency: "as the chosen strategy" },
  typicalCalls: 7,
  publishedAs: "o1-auto",
  options: z.strictObject({}),
  route(request, effort, routes) {
    const route = routes[effort];
    // Each turn of a loop is one small decision; with tools that are idle, a question is a question.
    if (callsTools(request.messages) && route !== "direct") return "think";
    return route === "vote_or_moa" ? (looksClosed(request) ? "vote" : "moa") : route;
  },
  targets(routes) {
    const targets = Object.values(routes).flatMap((route) =>
      route === "vote_or_moa" ? ["vote", "moa"] : [route]
    );
    return [...new Set(["direct", "think", ...targets])];
  },
};

/** Whether the last question seems to have one short answer, on which samples can vote. */
function looksClosed(request: ReasoningRequest): boolean {
  const question = lastQuestion(request.messages);
  const { kind, yesNo } = readQuestion(question);
  if (kind === "option" || yesNo?.isExplicit || CLOSED.test(question)) return true;
  const schema = JSON.stringify(request.json?.schema ?? {});
  return /"enum"|"(number|integer|boolean)"/.test(schema);
}
