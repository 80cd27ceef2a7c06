/**
 * A reasoner thinks, a writer answers.
 *
 * @see Aider: R1 as architect with Sonnet as editor, 64.0 % on its polyglot benchmark
 * @module
 */
import { z } from "zod";
import { relayAnswer } from "../relay/answer.ts";
import { reasonsNotAtAll } from "../effort.ts";
import { UpstreamError } from "../events.ts";
import { relayPrompts } from "../prompts.ts";
import type { Message } from "../request.ts";
import type { RunnableStrategy } from "../strategy.ts";
import { streamCheckedThinking } from "../relay/thinking.ts";

/** Two calls: the thinking of one model, the answer of another. */
export const relay: RunnableStrategy = {
  summary: "One model thinks, another (or the same) writes the answer from its notes.",
  options: z.strictObject({}),
  prompts: relayPrompts,
  roles: ["reasoner", "writer"],
  waits: () => 0,
  async *run(request, context) {
    if (reasonsNotAtAll(context.effort)) {
      return yield* relayAnswer(context, { role: "writer", messages: request.messages }, 1);
    }
    const instructions: Message = { role: "system", content: context.prompt("reasoner") };
    const asked = context.reasonsItself("reasoner")
      ? request.messages
      : [instructions, ...request.messages];
    let notes = "";
    let next = 1;
    if (context.canThink()) {
      try {
        const spec = { role: "reasoner", messages: [...context.toolsMessage(), ...asked] };
        ({ text: notes, next } = yield* streamCheckedThinking(context, spec, 1));
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
      }
    }
    const messages: Message[] = notes === "" ? request.messages : [
      { role: "system", content: context.prompt("writer").replace("{notes}", () => notes) },
      ...request.messages,
    ];
    let told = notes !== "";
    for await (const event of relayAnswer(context, { role: "writer", messages }, next)) {
      // Not before the writer says something: where both fail the client gets the error's status.
      if (!told) {
        told = true;
        yield {
          type: "status",
          text: "No notes came from the reasoner; the writer goes on alone.",
        };
      }
      yield event;
    }
  },
};
