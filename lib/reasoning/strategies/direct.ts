/**
 * The call as it is.
 *
 * @module
 */
import { z } from "zod";
import { relayAnswer } from "../relay/answer.ts";
import type { RunnableStrategy } from "../strategy.ts";

/** One call, passed through, with all that the server sees to. */
export const direct: RunnableStrategy = {
  summary: "One call, passed through.",
  options: z.strictObject({}),
  prompts: {},
  roles: ["answer"],
  run: (request, context) =>
    relayAnswer(context, { role: "answer", messages: request.messages }, 1),
};
