/**
 * What changes how any strategy asks: the question once more, and follow-ups on the thinking.
 *
 * @module
 */
import { z } from "zod";
import { contentText } from "./question.ts";
import type { Message } from "./request.ts";

/**
 * Schema of `models.<id>.modifiers`; a request may choose them beside its strategy's options.
 *
 * @internal its type is for zod alone to say
 */
export const modifierOptions = z.strictObject({
  re2: z.boolean().default(false).describe(
    "Whether the question is repeated once, for models that read from left to right.",
  ),
  wait: z.number().int().min(0).max(64).optional().describe(
    "Follow-ups at most that check the thinking of `think`, `draft`, `relay` or `steps` by another method; default: 0, of `think` and `draft` at the efforts xhigh and max 1.",
  ),
});

/**
 * The conversation of a call with the question once more behind it. The client's own messages
 * stay as they are.
 *
 * @param question the client's message; what has no text is not repeated.
 * @param prompt what repeats it; `{question}` is replaced.
 */
export function withQuestionAgain(
  messages: readonly Message[],
  question: Message | undefined,
  prompt: string,
): Message[] {
  const at = question === undefined ? -1 : messages.indexOf(question);
  const text = contentText(question?.content);
  if (at < 0 || text.trim() === "") return [...messages];
  const again: Message = { role: "user", content: prompt.replace("{question}", () => text) };
  return messages.toSpliced(at + 1, 0, again);
}
