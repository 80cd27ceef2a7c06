/**
 * A reasoner thinks, a writer answers.
 *
 * @see Aider: R1 as architect with Sonnet as editor, 64.0 % on its polyglot benchmark
 * @module
 */
import { z } from "zod";
import { instruct } from "../conversation.ts";
import { UpstreamError } from "../events.ts";
import { sharedPrompts } from "../prompts.ts";
import { relayFitting, withStatus } from "../output/answer.ts";
import { streamCheckedThinking } from "../output/thinking.ts";
import { defineStrategy, type Strategy } from "../strategy.ts";

const prompts = {
  /** Instructions for a model that does not reason by itself. */
  reasoner:
    `Think about the last message inside <think> and </think>. Think step by step and thoroughly, and check the result by a second method. Then close the block with </think>.`,
  wait: sharedPrompts.wait,
  /** Gives the writer the notes; `{notes}` is replaced. */
  writer:
    `Another model has made these notes on the last message. They may be wrong: where they conflict with what you know, trust yourself.

<notes>
{notes}
</notes>

Answer the last message. Do not mention the notes. All other instructions of this conversation hold.`,
};

export const relay: Strategy = defineStrategy({
  summary: "One model thinks, another (or the same) writes the answer from its notes.",
  label: { calls: "2", latency: "2 calls" },
  typicalCalls: 2,
  publishedAs: "o1-relay",
  options: z.strictObject({}),
  prompts,
  roles: ["reasoner", "writer"],
  plainRole: "writer",
  firstWave: () => 1,
  followUps: () => 0,
  async *run(context) {
    const { request } = context;
    let notes = "";
    let next = 1;
    if (await context.canThink()) {
      const messages = context.reasonsItself("reasoner")
        ? request.messages
        : instruct(context.prompt("reasoner"), request);
      const spec = { role: "reasoner" as const, messages: [...context.toolsMessage, ...messages] };
      try {
        ({ text: notes, next } = yield* streamCheckedThinking(context, spec, 1));
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
      }
    }
    const conversations = [request.messages];
    if (notes !== "") conversations.unshift(instruct(context.prompt("writer", { notes }), request));
    yield* withStatus(
      notes === "" ? "The reasoner gave no notes. The writer answers alone." : undefined,
      relayFitting(context, { role: "writer" }, conversations, next),
    );
  },
});
