import { z } from "zod";
import { hasShortAnswer } from "../answers/question.ts";
import { callsTools, lastQuestion } from "../conversation.ts";
import type { ReasoningRequest } from "../request.ts";
import type { Router } from "../strategy.ts";

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
  if (hasShortAnswer(lastQuestion(request.messages))) return true;
  const schema = JSON.stringify(request.json?.schema ?? {});
  return /"enum"|"(number|integer|boolean)"/.test(schema);
}
