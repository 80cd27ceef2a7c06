import type { Message } from "../../reasoning/request.ts";
import { invalidValue } from "../body.ts";
import { invalidRequest } from "../errors.ts";
import type { ChatBody } from "./body.ts";

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

/** Fields of answers that clients send back, and that upstreams reject in requests. */
const ANSWER_FIELDS = ["refusal", "annotations", "audio", "function_call"];

/** NextChat puts this before conversations with models of certain names. It has no effect. */
const NO_OP = "Formatting re-enabled";

/**
 * Reads the messages. Roles, parts and tool calls stay as they are, old answers lose the fields
 * that only answers have, and the deprecated function calls become tool calls.
 *
 * @throws {ApiError} 400 naming the message or part.
 */
export function readConversation(messages: readonly RawMessage[]): Message[] {
  // The deprecated form has no ids: a result belongs to the last call.
  let lastCall = "";
  return messages.flatMap((raw, index) => {
    const { role, content } = raw;
    if (Array.isArray(content)) checkParts(content, index);
    if (role === "developer" && content === NO_OP && messages.length > 1) return [];
    if ((role === "user" || role === "tool") && (content === null || content === undefined)) {
      throw invalidValue(
        `messages[${index}].content`,
        `a message with the role '${role}' needs content`,
      );
    }
    if (role === "function") {
      return [{ role: "tool" as const, tool_call_id: lastCall, content: content ?? "" }];
    }
    if (role !== "assistant" && !Array.isArray(content)) return [raw];
    const message: Message = { ...raw };
    if (Array.isArray(content)) message.content = content.map(withoutCacheMark);
    if (role !== "assistant") return [message];
    for (const field of ANSWER_FIELDS) delete message[field];
    if (raw.function_call) {
      lastCall = `call_message_${index}`;
      message.tool_calls = [{ id: lastCall, type: "function", function: raw.function_call }];
    } else if (!raw.tool_calls?.length) delete message.tool_calls;
    if (typeof raw.refusal === "string" && !content) message.content = raw.refusal;
    return [message];
  });
}

function checkParts(parts: readonly { type: string }[], message: number): void {
  const index = parts.findIndex(({ type }) => !PARTS.has(type));
  if (index < 0) return;
  const type = parts[index]!.type.slice(0, 60);
  throw invalidRequest(
    `messages[${message}].content[${index}]`,
    `Invalid value for 'messages[${message}].content[${index}].type': '${type}'. Supported values are: 'text', 'image_url', 'input_audio', 'file', 'video_url' and 'refusal'.`,
  );
}

/** Only one provider accepts the mark; others reject the message. */
function withoutCacheMark(part: Record<string, unknown>): Record<string, unknown> {
  if (part.prompt_cache_breakpoint === undefined) return part;
  const { prompt_cache_breakpoint: _, ...rest } = part;
  return rest;
}
