import { contentText } from "../upstream/target.ts";
import type { Message, ReasoningRequest } from "./request.ts";

export function lastUserMessage(messages: readonly Message[]): Message | undefined {
  return messages.findLast((message) => message.role === "user");
}

/** The text of the last user message. */
export function lastQuestion(messages: readonly Message[]): string {
  return contentText(lastUserMessage(messages)?.content);
}

/** The conversation after a system message with instructions. */
export function instruct(instructions: string, { messages }: ReasoningRequest): Message[] {
  return [{ role: "system", content: instructions }, ...messages];
}

/** Fields in which clients send the reasoning of earlier answers back. */
const REASONING_FIELDS = [
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "thinking",
];

/** Opening tag of a block. `[^<>]` keeps the search linear in a text of opening tags only. */
const OPEN = /<(?:(think|thinking|thought|reasoning)|details type="reasoning"[^<>]*)>/gi;

/** Closing tags by name, with the whitespace after them. */
const CLOSE: Readonly<Record<string, RegExp>> = {
  think: /<\/think>\s*/gi,
  thinking: /<\/thinking>\s*/gi,
  thought: /<\/thought>\s*/gi,
  reasoning: /<\/reasoning>\s*/gi,
  details: /<\/details>\s*/gi,
};

/** Removes blocks of thinking, in one pass: a client can send a text of any length. */
function stripText(text: string): string {
  if (!text.includes("<")) return text;
  const unclosed = new Set<string>();
  let kept = "";
  let from = 0;
  for (const match of text.matchAll(OPEN)) {
    const name = match[1]?.toLowerCase() ?? "details";
    if (match.index < from || unclosed.has(name)) continue;
    const close = CLOSE[name]!;
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

/** Removes the thinking of earlier answers and changes nothing else. */
export function withoutOldThinking(messages: readonly Message[]): Message[] {
  return messages.map((message) => {
    if (message.role !== "assistant") return message;
    const kept: Message = { ...message };
    for (const field of REASONING_FIELDS) {
      // Some upstreams need it back with tool calls; the request body is built accordingly.
      if (field === "reasoning_content" && message.tool_calls) continue;
      delete kept[field];
    }
    if (kept.content !== undefined) kept.content = stripContent(kept.content);
    return kept;
  });
}
