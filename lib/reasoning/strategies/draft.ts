/**
 * Thinking in drafts of a few words: about a fifth of the tokens.
 *
 * @see Xu et al., Chain of Draft, arXiv 2502.18600
 */
import { sharedPrompts } from "../prompts.ts";
import type { Strategy } from "../strategy.ts";
import { think, type ThinkPrompt } from "./think.ts";

const prompts: Readonly<Record<ThinkPrompt, string>> = {
  think:
    `Before you answer, think inside <think> and </think>, step by step, but keep only a minimum draft of each step, of five words at most. {depth}

Question: Jason had 20 lollipops. He gave Denny some. Now he has 12. How many did he give?
<think>20 - x = 12; x = 8</think>
8 lollipops.

Question: A coin is heads up. Ka flips it. Sheri does not. Is it still heads up?
<think>heads; Ka flips: tails; Sheri: same</think>
No.

Close the block with </think>, and after it write only the answer, in full and without the draft. All other instructions of this conversation hold for the answer.`,
  brief: `Use as few steps as you can.`,
  ordinary: `Check one way in which it could be wrong.`,
  thorough: `Check the result by a second method.`,
  answer: sharedPrompts.answer,
  wait: `${sharedPrompts.wait} Keep to drafts of five words at most.`,
};

export const draft: Strategy = {
  ...think,
  summary: "Like think, in drafts of a few words: fewer tokens.",
  publishedAs: "o1-draft",
  prompts,
};
