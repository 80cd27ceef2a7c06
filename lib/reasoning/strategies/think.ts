/**
 * One call that thinks in tags before it answers: chain of thought.
 *
 * @see Wei et al., arXiv 2201.11903; Kojima et al., arXiv 2205.11916
 * @module
 */
import { z } from "zod";
import { finishOf, relayAnswer, relayCall } from "../relay/answer.ts";
import { reasonsNotAtAll } from "../effort.ts";
import type { ReasoningEvent } from "../events.ts";
import { thinkPrompts } from "../prompts.ts";
import type { Effort, Message, ReasoningRequest } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { streamCheckedThinking } from "../relay/thinking.ts";
import { direct } from "./direct.ts";

const DEPTH: Readonly<Record<Effort, string>> = {
  none: "brief",
  minimal: "brief",
  low: "brief",
  medium: "ordinary",
  high: "thorough",
  xhigh: "thorough",
  max: "thorough",
};

/** One call: thinking in tags, then the answer. */
export const think: RunnableStrategy = {
  summary: "One call that thinks before it answers.",
  options: z.strictObject({}),
  prompts: thinkPrompts,
  roles: ["think", "answer"],
  waits: waitsByEffort,
  run: thinkThenAnswer,
};

/** Follow-ups of `think` and its like. */
export function waitsByEffort(effort: Effort): number {
  return effort === "xhigh" || effort === "max" ? 1 : 0;
}

/** Runs one call under the prompts of `think` or those of its like. */
export async function* thinkThenAnswer(
  request: ReasoningRequest,
  context: StrategyContext,
): AsyncGenerator<ReasoningEvent> {
  if (reasonsNotAtAll(context.effort)) return yield* direct.run(request, context);
  const depth = context.prompt(DEPTH[context.effort]);
  const instructions: Message = {
    role: "system",
    content: context.prompt("think").replace("{depth}", () => depth),
  };
  // A model that reasons by itself needs no telling.
  const messages = context.reasonsItself("think")
    ? request.messages
    : [instructions, ...request.messages];
  // Neither an answer that is held to JSON, which has no room for tags, nor one that waits for
  // follow-ups can come in the same call as the thinking.
  const waits = context.wait > 0 && context.canThink(2);
  if (request.json !== undefined || waits) {
    if (!context.canThink()) return yield* direct.run(request, context);
    const spec = { role: "think", messages: [...context.toolsMessage(), ...messages] };
    const { turns, next } = yield* streamCheckedThinking(context, spec, 1);
    return yield* answerFrom(context, request, turns, next);
  }
  const spec = { role: "think", messages, keepRoom: true };
  const { answered, thinking, reason, stop, next } = yield* relayCall(context, spec, 1);
  if (!answered && thinking !== "") {
    if (!context.canAnswer()) return yield { type: "finish", reason: "length" };
    const turns: Message[] = [{ role: "assistant", content: thinking }];
    return yield* answerFrom(context, request, turns, next);
  }
  yield finishOf(reason, stop);
}

/** Asks for the answer to thinking that has none. */
async function* answerFrom(
  context: StrategyContext,
  request: ReasoningRequest,
  turns: readonly Message[],
  step: number,
): AsyncGenerator<ReasoningEvent> {
  if (turns.length === 0) return yield* direct.run(request, context);
  const messages: Message[] = [
    ...request.messages,
    ...turns,
    { role: "user", content: context.prompt("answer") },
  ];
  yield* relayAnswer(context, { role: "answer", messages }, step);
}
