/**
 * Every prompt that strategies send, in one place. Each can be replaced in config.yaml under
 * `models.<id>.prompts`, by the names used here.
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
  /** Asks for the answer. */
  answer: `Please provide the final answer based on the above reasoning.

Write the answer itself, not JSON and not the steps again, unless I asked for that form. Keep to the language, the format and the instructions of my request.`,
};

/** Asks once more for an answer in the right form; `{problem}` is replaced. */
export const repairPrompt = `That answer does not have the required form:
{problem}
Write the whole answer again in the required form, and nothing else.`;

/** Told to a thinking call about the tools that only the final call has; `{tools}` is replaced. */
export const toolsNote =
  `In your final answer, not in your reasoning, you will be able to call these tools. Reason about which of them to call, and with what:
{tools}`;
