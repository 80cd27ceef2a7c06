/**
 * What the conversation asks.
 *
 * @module
 */
import type { Message } from "./request.ts";

/** The text of a message; of parts, their texts. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => typeof part?.text === "string" ? part.text : "").join("\n");
}

/** The last message of the user's. */
export function lastUserMessage(messages: readonly Message[]): Message | undefined {
  return messages.findLast((message) => message.role === "user");
}

/** Its text. */
export function lastQuestion(messages: readonly Message[]): string {
  return contentText(lastUserMessage(messages)?.content);
}
