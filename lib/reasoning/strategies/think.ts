/**
 * One call that thinks in tags before it answers: chain of thought.
 *
 * @see Wei et al., arXiv 2201.11903; Kojima et al., arXiv 2205.11916
 * @module
 */
import { z } from "zod";
import { relayAnswer, relayCall } from "../answer.ts";
import { reasonsNotAtAll } from "../effort.ts";
import type { ReasoningEvent } from "../events.ts";
import { thinkPrompts } from "../prompts.ts";
import type { Effort, Message, ReasoningRequest } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { streamThinking } from "../thinking.ts";
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
  run: thinkThenAnswer,
};

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
  if (request.json !== undefined) {
    // An answer that is held to JSON has no room for tags: it gets a call of its own.
    const spec = { role: "think", messages: [...messages] };
    if (context.canThink()) {
      const { text, next } = yield* streamThinking(context, spec, 1);
      return yield* answerFrom(context, request, text, next);
    }
    return yield* direct.run(request, context);
  }
  const spec = { role: "think", messages, keepRoom: true };
  const { answered, thinking, reason, next } = yield* relayCall(context, spec, 1);
  if (!answered && thinking !== "") return yield* answerFrom(context, request, thinking, next);
  yield { type: "finish", reason };
}

/** Asks for the answer to thinking that has none. */
async function* answerFrom(
  context: StrategyContext,
  request: ReasoningRequest,
  thinking: string,
  step: number,
): AsyncGenerator<ReasoningEvent> {
  if (thinking === "") return yield* direct.run(request, context);
  const messages: Message[] = [
    ...request.messages,
    { role: "assistant", content: thinking },
    { role: "user", content: context.prompt("answer") },
  ];
  yield* relayAnswer(context, { role: "answer", messages }, step);
}
