/**
 * Thinking in drafts of a few words: about a fifth of the tokens.
 *
 * @see Xu et al., Chain of Draft, arXiv 2502.18600
 * @module
 */
import { z } from "zod";
import { sharedPrompts } from "../prompts.ts";
import { defineStrategy, type Strategy } from "../strategy.ts";
import { followUpsByEffort, thinkThenAnswer } from "./think.ts";

const prompts = {
  /** The instructions; `{depth}` is replaced by one of the next three. */
  think:
    `Before you answer, think inside <think> and </think>, step by step, but keep only a minimum draft of each step, of five words at most. {depth}

Question: Jason had 20 lollipops. He gave Denny some. Now he has 12. How many did he give?
<think>20 - x = 12; x = 8</think>
8 lollipops.

Question: A coin is heads up. Ka flips it. Sheri does not. Is it still heads up?
<think>heads; Ka flips: tails; Sheri: same</think>
No.

Close the block with </think>, and after it write only the answer, in full and without the draft. All other instructions of this conversation hold for the answer.`,
  /** How long a draft with little effort is. */
  brief: `Use as few steps as you can.`,
  /** How long a draft with ordinary effort is. */
  ordinary: `Check one way in which it could be wrong.`,
  /** How long a draft with much effort is. */
  thorough: `Check the result by a second method.`,
  /** Asks for the answer to thinking that ended without one. */
  answer: sharedPrompts.answer,
  /** Asks for a check of the thinking. */
  wait: `${sharedPrompts.wait} Keep to drafts of five words at most.`,
};

export const draft: Strategy = defineStrategy({
  summary: "As think, in a few words: fewer tokens, sooner done.",
  label: { calls: "1", latency: "1 call" },
  publishedAs: "o1-draft",
  options: z.strictObject({}),
  prompts,
  roles: ["think", "answer"],
  followUps: followUpsByEffort,
  run: thinkThenAnswer,
});
