/**
 * Effort to strategy, without a call of its own.
 *
 * @module
 */
import { z } from "zod";
import { questionOptions } from "../answers/extractor.ts";
import { lastQuestion } from "../question.ts";
import type { EffortRoutes, ReasoningRequest } from "../request.ts";
import type { Strategy } from "../strategy.ts";

/** Words and signs of a question that has one short answer. */
const CLOSED =
  /\bhow (many|much|old|far|long|tall)\b|\bwhat (is|are) the (value|sum|product|number|probability|remainder|area)\b|\b(calculate|compute|evaluate|solve)\b|\bfind (the )?(value|number|sum|all)\b|多少|几[个岁只条次]|求[出解]|计算|等于|\d\s*[-+*/×÷^=<>]\s*[\d(x-z]|\\frac|\\sqrt/i;

/** Whether the last turn looks as if it had one short answer that can be voted on. */
export function looksClosed(request: ReasoningRequest): boolean {
  const question = lastQuestion(request.messages);
  if (questionOptions(question).length > 1 || CLOSED.test(question)) return true;
  const schema = JSON.stringify(request.json?.schema ?? {});
  return /"enum"|"(number|integer|boolean)"/.test(schema);
}

/** The strategies that it may run. */
export function mayRun(routes: EffortRoutes): string[] {
  const wanted = Object.values(routes).flatMap((route) =>
    route === "vote_or_moa" ? ["vote", "moa"] : [route]
  );
  return [...new Set(["direct", "think", ...wanted])];
}

/** Chooses by effort; the question decides between voting and mixing. */
export const auto: Strategy = {
  summary: "Chooses a strategy by effort and question, without a call of its own.",
  options: z.strictObject({}),
  // Those of the strategies that it may run.
  prompts: {},
  roles: [],
  route(request, effort, routes) {
    const wanted = routes[effort];
    const isToolTurn = request.final.tools !== undefined ||
      request.messages.at(-1)?.role === "tool";
    if (isToolTurn && wanted !== "direct") return "think";
    return wanted === "vote_or_moa" ? (looksClosed(request) ? "vote" : "moa") : wanted;
  },
};
