/**
 * Every prompt that strategies send, in one place. Each can be replaced in config.yaml under
 * `models.<id>.prompts`, by the names used here. Names in braces are filled in.
 *
 * @module
 */

/** Prompts of `steps`, after O1-API's. */
export const stepsPrompts = {
  /** The instructions; `{min_steps}` is replaced. */
  step: `You reason step by step before you answer. You write one step at a time.

Each reply is exactly one JSON object and nothing else:
{"title": "what this step does", "content": "the reasoning of this step", "next_action": "continue" or "final_answer"}

- Use at least {min_steps} steps. Do only one step in each reply.
- Explore alternative answers. Consider that you may be wrong, and where your reasoning could be flawed. When you say that you are re-examining, really do it, in another way than before.
- Check the result by at least one other method before you use "final_answer".
- Know your limits as a language model, and what you can and can't do.
- Follow the other instructions of this conversation in what you conclude, but keep to this JSON form until you are asked for the final answer.`,
  /** Asks for another step. */
  next: `Continue with the next step, as one JSON object.`,
  /** Asks for another step after one that was cut off. */
  resume:
    `Your last step was cut off. Go on from where it ended with the next step, as one JSON object.`,
  /** Asks for a step that checks the others. */
  wait:
    `Wait. Find the part of these steps that is most likely to be wrong, and check it by a different method, in one more step, as one JSON object.`,
  /** Asks for the answer. */
  answer: `Please provide the final answer based on the above reasoning.

Write the answer itself, not JSON and not the steps again, unless I asked for that form. Keep to the language, the format and the instructions of my request.`,
};

/** Asks for the answer to thinking that ended without one. */
const answerPrompt =
  `Your thinking ended there. Now give only the answer, from that thinking. Keep to the language, the format and the instructions of my request.`;

/** Asks for a check of the thinking so far, after s1 (arXiv 2501.19393). */
const waitPrompt =
  `Wait. Find the part of this that is most likely to be wrong, and check it by a different method, inside <think> and </think>. Correct what does not hold. Do not give the answer yet.`;

/** Prompts of `think`. */
export const thinkPrompts = {
  /** The instructions; `{depth}` is replaced by one of the next three. */
  think: `Before you answer, think inside <think> and </think>. {depth}
Check at least one way in which your answer could be wrong. Then close the block with </think>, and after it write only the answer, without the thinking. All other instructions of this conversation hold for the answer.`,
  /** How deep to think with little effort. */
  brief: `Think briefly, only as much as the question needs.`,
  /** How deep to think with ordinary effort. */
  ordinary: `Think step by step.`,
  /** How deep to think with much effort. */
  thorough:
    `Think step by step and thoroughly: consider other ways to the answer, and check the result by a second method.`,
  /** Asks for the answer to thinking that ended without one. */
  answer: answerPrompt,
  /** Asks for a check of the thinking. */
  wait: waitPrompt,
};

/** Prompts of `draft`, after Chain of Draft (arXiv 2502.18600). */
export const draftPrompts = {
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
  answer: answerPrompt,
  /** Asks for a check of the thinking. */
  wait: `${waitPrompt} Keep to drafts of five words at most.`,
};

/** Prompts of `relay`. */
export const relayPrompts = {
  /** Tells a model that does not reason by itself to. */
  reasoner:
    `Think about the last message inside <think> and </think>. Think step by step and thoroughly, and check the result by a second method. Then close the block with </think>.`,
  /** Asks for a check of the thinking. */
  wait: waitPrompt,
  /** Gives the writer the notes; `{notes}` is replaced. */
  writer:
    `Another model has made these notes on the last message. They may be wrong: where they conflict with what you know, trust yourself.

<notes>
{notes}
</notes>

Answer the last message. Do not mention the notes. All other instructions of this conversation hold.`,
};

/** Rewrites an answer that was found; `{answer}` is replaced. */
const synthesizePrompt = `Several independent attempts at the last message agree on this answer:

<answer>
{answer}
</answer>

Give the final answer to the last message, as all other instructions of this conversation ask for it. Do not mention the attempts.`;

/** What each independent attempt is told. */
const samplePrompt =
  `Before you answer, think step by step inside <think> and </think>. After it write the complete answer to the last message, as all other instructions of this conversation ask for it. End with one more line:
FINAL: <the short final answer alone, such as a number, a word or the letter of an option>`;

/** Prompts of `vote`. */
export const votePrompts = {
  /** What each sample is told. */
  sample: samplePrompt,
  /** Asks which candidate is best; `{candidates}` is replaced. */
  judge: `Here are candidate answers to the last message:

{candidates}

Which one is correct, free of errors and most consistent with the majority? Reply with its letter alone.`,
  /** Rewrites the winner; `{answer}` is replaced. */
  synthesize: synthesizePrompt,
};

/** Prompts of `verify`. */
export const verifyPrompts = {
  /** What a solver is told. */
  solver: samplePrompt,
  /** What the solver that plans first is told. */
  planner: `First write a plan of how to solve this, then carry it out. ${samplePrompt}`,
  /** What a verifier is shown; `{question}` and `{solution}` are replaced. */
  verifier:
    `Here are a question and a proposed solution. Check the solution independently, step by step.

<question>
{question}
</question>

<solution>
{solution}
</solution>

If a step is wrong, quote the first wrong step word for word. Do not doubt without an error that you can show. End with these three lines:
ERROR: <the first wrong step, quoted, or NONE>
VERDICT: <CORRECT or WRONG>
FINAL: <your own short final answer to the question>`,
  /** Repairs a solution; `{solution}` and `{error}` are replaced. */
  repair: `A proposed solution to the last message has an error.

<solution>
{solution}
</solution>

The error:
{error}

Correct it. ${samplePrompt}`,
  /** Rewrites the answer; `{answer}` is replaced. */
  synthesize: synthesizePrompt,
};

/** Prompts of `rsa`. */
export const rsaPrompts = {
  /** What each member of the first population is told. */
  sample: samplePrompt,
  /** Makes one better solution of several; `{candidates}` is replaced. */
  aggregate: `Here are candidate solutions to the last message; some may be wrong:

{candidates}

Reuse what is correct in them and fix their errors; if all of them fail, try another way. ${samplePrompt}`,
  /** Makes the answer of the most central solutions; `{candidates}` is replaced. */
  answer: `Here are candidate answers to the last message; some may be wrong:

{candidates}

Write one better answer to the last message. Do not mention the candidates. All other instructions of this conversation hold.`,
  /** Rewrites the answer; `{answer}` is replaced. */
  synthesize: synthesizePrompt,
};

/** Prompts of `moa`. */
export const moaPrompts = {
  /** What each proposer is told. */
  proposer:
    `Before you answer, think step by step inside <think> and </think>. After it write the complete answer to the last message, as all other instructions of this conversation ask for it.`,
  /** Shows a proposer the round before; `{candidates}` is replaced. */
  refine: `Here are earlier answers to the last message; some may be wrong:

{candidates}

Use what is right in them and correct what is wrong. Think inside <think> and </think>, and after it write a better complete answer to the last message.`,
  /** Makes one answer of all; `{candidates}` is replaced. */
  aggregator:
    `Here are candidate answers to the last message, from several models. Some of them may be wrong or biased:

{candidates}

Do not copy one of them. Check them against each other, and write one better answer to the last message. Do not mention the candidates. All other instructions of this conversation hold.`,
};

/** Prompts that every strategy may use. */
export const commonPrompts = {
  /** Repeats the question, after RE2 (arXiv 2309.06275); `{question}` is replaced. */
  reread: `Read the question again: {question}`,
  /** Asks once more for an answer in the right form; `{problem}` is replaced. */
  mend: `That answer does not have the required form:
{problem}
Write the whole answer again in the required form, and nothing else.`,
  /** Tells a thinking call about the tools that only the final call has; `{tools}` is replaced. */
  tools:
    `In your final answer, not in your reasoning, you will be able to call these tools. Reason about which of them to call, and with what:
{tools}`,
};
