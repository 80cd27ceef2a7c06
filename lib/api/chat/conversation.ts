/**
 * The messages of a request, as the conversation that is reasoned about.
 *
 * @module
 */
import type { Message } from "../../reasoning/request.ts";
import type { ChatBody } from "./body.ts";
import { invalidRequest } from "../errors.ts";

type RawMessage = ChatBody["messages"][number];

/** Parts that go upstream. Reasoning parts are dropped with the rest of old thinking. */
const PARTS = new Set([
  "text",
  "image_url",
  "input_audio",
  "file",
  "video_url",
  "refusal",
  "thinking",
  "reasoning",
]);

/** Fields of answers that clients send back, and that upstreams do not know in requests. */
const ANSWER_FIELDS = ["refusal", "annotations", "audio", "function_call"];

/** What NextChat puts before conversations with models of certain names; it means nothing. */
const NO_OP = "Formatting re-enabled";

/**
 * Reads the messages: every role, part and tool call stays as it is, old answers lose the fields
 * that only answers have, and the deprecated function calls become tool calls.
 *
 * @throws {ApiError} 400 naming the message or part.
 * @internal the body's type is zod's
 */
export function readMessages(messages: readonly RawMessage[]): Message[] {
  // The deprecated form has no ids: a result belongs to the last call.
  let lastCall = "";
  return messages.flatMap((message, index) => {
    const { role, content } = message;
    if (Array.isArray(content)) checkParts(content, index);
    if (role === "developer" && content === NO_OP && messages.length > 1) return [];
    if ((role === "user" || role === "tool") && (content === null || content === undefined)) {
      throw invalidRequest(
        `messages[${index}].content`,
        `Invalid value for 'messages[${index}].content': a message with the role '${role}' needs content.`,
      );
    }
    if (role === "function") {
      return [{ role: "tool" as const, tool_call_id: lastCall, content: content ?? "" }];
    }
    const read: Message = { ...message, role };
    if (Array.isArray(content)) read.content = content.map(withoutBreakpoint);
    if (role !== "assistant") return [read];
    for (const field of ANSWER_FIELDS) delete read[field];
    if (message.function_call) {
      lastCall = `call_message_${index}`;
      read.tool_calls = [{ id: lastCall, type: "function", function: message.function_call }];
    } else if (!message.tool_calls?.length) delete read.tool_calls;
    if (typeof message.refusal === "string" && !content) read.content = message.refusal;
    return [read];
  });
}

function checkParts(parts: readonly { type: string }[], message: number): void {
  const at = parts.findIndex(({ type }) => !PARTS.has(type));
  if (at < 0) return;
  const param = `messages[${message}].content[${at}]`;
  throw invalidRequest(
    param,
    `Invalid value for '${param}.type': '${
      parts[at]!.type.slice(0, 60)
    }'. Supported values are: 'text', 'image_url', 'input_audio', 'file', 'video_url' and 'refusal'.`,
  );
}

/** Marks of a provider's cache are not for upstreams of another kind. */
function withoutBreakpoint(part: Record<string, unknown>): Record<string, unknown> {
  if (part.prompt_cache_breakpoint === undefined) return part;
  const { prompt_cache_breakpoint: _, ...rest } = part;
  return rest;
}
