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

/** What opens a block; `[^<>]` keeps the search linear in a text of opening tags alone. */
const OPEN = /<(?:(think|thinking|thought|reasoning)|details type="reasoning"[^<>]*)>/gi;

/** The text without its blocks of thinking. The text is the client's: one pass must do. */
function stripText(text: string): string {
  if (!text.includes("<")) return text;
  const unclosed = new Set<string>();
  let kept = "";
  let from = 0;
  for (const match of text.matchAll(OPEN)) {
    const name = match[1]?.toLowerCase() ?? "details";
    if (match.index < from || unclosed.has(name)) continue;
    const close = new RegExp(`</${name}>\\s*`, "gi");
    close.lastIndex = match.index + match[0].length;
    if (!close.test(text)) {
      unclosed.add(name);
      continue;
    }
    kept += text.slice(from, match.index);
    from = close.lastIndex;
  }
  return kept + text.slice(from);
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
