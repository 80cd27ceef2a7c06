import { contentText } from "../upstream/target.ts";
import { indexAfterBareClose } from "./output/bare_close.ts";
import type { FinalCallFields, Message, ReasoningRequest } from "./request.ts";

export function lastUserMessage(messages: readonly Message[]): Message | undefined {
  return messages.findLast((message) => message.role === "user");
}

/** The text of the last user message. */
export function lastQuestion(messages: readonly Message[]): string {
  return contentText(lastUserMessage(messages)?.content);
}

/** Whether the last answer called a tool, so that the next turn is one of a loop. */
export function callsTools(messages: readonly Message[]): boolean {
  const role = messages.at(-1)?.role;
  if (role === "tool" || role === "function") return true;
  const calls = messages.findLast((message) => message.role === "assistant")?.tool_calls;
  return Array.isArray(calls) && calls.length > 0;
}

/** Whether the client accepts no answer but a tool call. */
export function mustCallTool({ tool_choice: choice }: FinalCallFields): boolean {
  return choice === "required" || (typeof choice === "object" && choice !== null);
}

/** The conversation after a system message with instructions. */
export function instruct(instructions: string, { messages }: ReasoningRequest): Message[] {
  return [{ role: "system", content: instructions }, ...messages];
}

/** Fields in which clients send the reasoning of earlier answers back. */
const REASONING_FIELDS = ["reasoning_content", "reasoning", "thinking"];

/** Opening tag of a block at the start of a text, or right after another block. */
const OPEN = /\s{0,20}<(?:(think|thinking|thought|reasoning)|details type="reasoning"[^<>]*)>/iy;

/** Removes blocks of thinking before the answer. The same tags in the answer belong to it. */
function stripText(text: string): string {
  OPEN.lastIndex = 0;
  let from = OPEN.test(text) ? 0 : indexAfterBareClose(text);
  for (;;) {
    OPEN.lastIndex = from;
    const match = OPEN.exec(text);
    if (match === null) return text.slice(from);
    const close = new RegExp(`</${match[1] ?? "details"}>\\s*`, "gi");
    close.lastIndex = OPEN.lastIndex;
    if (!close.test(text)) return text.slice(from);
    from = close.lastIndex;
  }
}

function stripContent(content: unknown): unknown {
  if (typeof content === "string") return stripText(content);
  if (!Array.isArray(content)) return content;
  return content
    .filter((part) => part?.type !== "thinking" && part?.type !== "reasoning")
    .map((part) => typeof part?.text === "string" ? { ...part, text: stripText(part.text) } : part);
}

/** Whether a message's content has no text and no other part. */
function isEmpty(content: unknown): boolean {
  if (!Array.isArray(content)) return content === "";
  return content.every((part) => part?.type === "text" && part.text === "");
}

/**
 * Removes the thinking of earlier answers, and answers that consist of nothing else. Changes nothing
 * else.
 */
export function withoutOldThinking(messages: readonly Message[]): Message[] {
  return messages.flatMap((message) => {
    if (message.role !== "assistant") return [message];
    const kept: Message = { ...message };
    for (const field of REASONING_FIELDS) {
      // Some upstreams need it back with tool calls; the request body is built accordingly.
      if (field === "reasoning_content" && message.tool_calls) continue;
      delete kept[field];
    }
    if (kept.content !== undefined) kept.content = stripContent(kept.content);
    const wasThinking = isEmpty(kept.content) && !isEmpty(message.content);
    return wasThinking && !kept.tool_calls ? [] : [kept];
  });
}
