/**
 * One call that thinks in tags before it answers: chain of thought.
 *
 * @see Wei et al., arXiv 2201.11903; Kojima et al., arXiv 2205.11916
 */
import { z } from "zod";
import { instruct } from "../conversation.ts";
import type { ReasoningEvent } from "../events.ts";
import { sharedPrompts } from "../prompts.ts";
import { finishOf, relayCall, relayFitting } from "../output/answer.ts";
import { streamCheckedThinking } from "../output/thinking.ts";
import type { Message, ThinkingEffort } from "../request.ts";
import { defineStrategy, type Strategy, type StrategyContext } from "../strategy.ts";
import { answerDirectly } from "./direct.ts";

const prompts = {
  /** Instructions; `{depth}` is replaced by one of the next three. */
  think: `Before you answer, think inside <think> and </think>. {depth}
Check at least one way in which your answer could be wrong. Then close the block with </think>, and after it write only the answer, without the thinking. All other instructions of this conversation hold for the answer.`,
  /** The depth at the effort low. */
  brief: `Think briefly, only as much as the question needs.`,
  /** The depth at the effort medium. */
  ordinary: `Think step by step.`,
  /** The depth at higher efforts. */
  thorough:
    `Think step by step and thoroughly: consider other ways to the answer, and check the result by a second method.`,
  answer: sharedPrompts.answer,
  wait: sharedPrompts.wait,
};

export type ThinkPrompt = keyof typeof prompts;

const DEPTH = {
  low: "brief",
  medium: "ordinary",
  high: "thorough",
  xhigh: "thorough",
  max: "thorough",
} as const satisfies Record<ThinkingEffort, ThinkPrompt>;

export const think: Strategy = defineStrategy({
  summary: "One call that thinks before it answers.",
  label: { calls: "1", latency: "1 call" },
  publishedAs: "o1-mini",
  options: z.strictObject({}),
  prompts,
  roles: ["think", "answer"],
  followUps: (effort) => effort === "xhigh" || effort === "max" ? 1 : 0,
  async *run(context) {
    const { request } = context;
    const depth = context.prompt(DEPTH[context.effort]);
    const messages = context.reasonsItself("think")
      ? request.messages
      : instruct(context.prompt("think", { depth }), request);
    // The thinking needs a call of its own before an answer in JSON, which has no room for tags, and
    // before follow-ups.
    const followsUp = context.followUps > 0 && await context.canThink(2);
    if (request.json !== undefined || followsUp) {
      if (!await context.canThink()) return yield* answerDirectly(context);
      const spec = { role: "think" as const, messages: [...context.toolsMessage, ...messages] };
      const { turns, next } = yield* streamCheckedThinking(context, spec, 1);
      return yield* answerFrom(context, turns, next);
    }
    const spec = { role: "think" as const, messages };
    const { answered, thinking, reason, stop, next } = yield* relayCall(context, spec, 1);
    if (answered || thinking === "") return yield finishOf(reason, stop);
    if (!context.canAnswer()) return yield { type: "finish", reason: "length" };
    yield* answerFrom(context, [{ role: "assistant", content: thinking }], next);
  },
});

/** Asks for the answer to thinking that ended without one. */
async function* answerFrom(
  context: StrategyContext<unknown, "answer", "answer">,
  turns: readonly Message[],
  step: number,
): AsyncGenerator<ReasoningEvent> {
  if (turns.length === 0) return yield* answerDirectly(context);
  const { messages } = context.request;
  const ask: Message = { role: "user", content: context.prompt("answer") };
  const conversations = [[...messages, ...turns, ask], messages];
  yield* relayFitting(context, { role: "answer" }, conversations, step);
}
