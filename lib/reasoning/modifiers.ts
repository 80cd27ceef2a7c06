import { z } from "zod";
import { contentText } from "../upstream/target.ts";
import { lastUserMessage } from "./conversation.ts";
import type { Message } from "./request.ts";

/** Schema of `models.<id>.modifiers`; a request sets them beside its strategy's options. */
export const modifierOptions = z.strictObject({
  re2: z.boolean().default(false).describe(
    "Repeat the question once, for models that read from left to right.",
  ),
  wait: z.number().int().min(0).max(64).optional().describe(
    "Maximum number of follow-ups that check the thinking of `think`, `draft`, `relay` or `steps` by another method. Default: 0, or 1 for `think` and `draft` at the efforts xhigh and max.",
  ),
});

/** Returns a function that inserts a second copy of the question after the question. */
export function createReread(
  conversation: readonly Message[],
  wording: (question: string) => string,
): (messages: Message[]) => Message[] {
  const question = lastUserMessage(conversation);
  const text = contentText(question?.content);
  if (question === undefined || text.trim() === "") return (messages) => messages;
  const again: Message = { role: "user", content: wording(text) };
  return (messages) => {
    const at = messages.indexOf(question);
    return at < 0 ? messages : messages.toSpliced(at + 1, 0, again);
  };
}
