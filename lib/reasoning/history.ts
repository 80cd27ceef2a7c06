/**
 * What of the conversation goes upstream.
 *
 * @module
 */
import type { Message } from "./request.ts";

/** Fields in which clients send a model's old reasoning back. */
const REASONING_FIELDS = [
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "thinking",
];

const BLOCKS =
  /<(think|thinking|thought|reasoning)>[\s\S]*?<\/\1>\s*|<details type="reasoning"[^>]*>[\s\S]*?<\/details>\s*/gi;

function stripText(text: string): string {
  return text.includes("<") ? text.replace(BLOCKS, "") : text;
}

function stripContent(content: unknown): unknown {
  if (typeof content === "string") return stripText(content);
  if (!Array.isArray(content)) return content;
  return content
    .filter((part) => part?.type !== "thinking" && part?.type !== "reasoning")
    .map((part) => typeof part?.text === "string" ? { ...part, text: stripText(part.text) } : part);
}

/** The conversation without the thinking of earlier answers; all else is as it was. */
export function withoutOldThinking(messages: readonly Message[]): Message[] {
  return messages.map((message) => {
    if (message.role !== "assistant") return message;
    const kept: Message = { ...message };
    for (const field of REASONING_FIELDS) {
      // With tool calls it may have to go back: whether it does is the upstream's affair.
      if (field === "reasoning_content" && message.tool_calls) continue;
      delete kept[field];
    }
    if (kept.content !== undefined) kept.content = stripContent(kept.content);
    return kept;
  });
}
