/**
 * Thinking in drafts of a few words: about a fifth of the tokens.
 *
 * @see Xu et al., Chain of Draft, arXiv 2502.18600
 * @module
 */
import { z } from "zod";
import { draftPrompts } from "../prompts.ts";
import type { RunnableStrategy } from "../strategy.ts";
import { thinkThenAnswer, waitsByEffort } from "./think.ts";

/** One call: a draft in tags, then the answer. */
export const draft: RunnableStrategy = {
  summary: "As think, in a few words: fewer tokens, sooner done.",
  options: z.strictObject({}),
  prompts: draftPrompts,
  roles: ["think", "answer"],
  waits: waitsByEffort,
  run: thinkThenAnswer,
};
