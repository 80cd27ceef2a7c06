import type { Message } from "../../reasoning/request.ts";
import { missingParameter } from "../body.ts";
import { invalidRequest } from "../errors.ts";
import type { Item } from "./body.ts";

/** An item with its path in the request, e.g. `input[0]`, for error messages. */
export interface PlacedItem {
  item: Item;
  path: string;
}

/**
 * Reads items as messages, in order.
 *
 * @param thinkingOf returns the private thinking behind a reasoning item, for models that need it
 * back with the calls that follow.
 * @throws {ApiError} 400 naming the item that is not supported.
 */
export function readConversation(
  items: readonly PlacedItem[],
  thinkingOf: (item: Item) => string | undefined,
): Message[] {
  const messages: Message[] = [];
  let thinking: string | undefined;
  /** The calls of the last message, if it has any. */
  let calls: unknown[] | undefined;
  for (const { item, path } of items) {
    switch (item.type) {
      case "message": {
        const role = item.role as Message["role"] ?? "user";
        if (role !== "assistant") thinking = undefined;
        messages.push({ role, content: readContent(item.content, `${path}.content`) });
        break;
      }
      case "reasoning":
        thinking = thinkingOf(item);
        break;
      case "function_call": {
        const call = {
          id: required(item, "call_id", path),
          type: "function",
          function: { name: required(item, "name", path), arguments: item.arguments ?? "" },
        };
        let message = messages.at(-1);
        if (message?.role !== "assistant") {
          message = { role: "assistant", content: null };
          messages.push(message);
        }
        if (message.tool_calls === undefined) message.tool_calls = calls = [];
        calls!.push(call);
        if (thinking !== undefined) message.reasoning_content ??= thinking;
        thinking = undefined;
        break;
      }
      case "function_call_output":
        thinking = undefined;
        messages.push({
          role: "tool",
          tool_call_id: required(item, "call_id", path),
          content: readContent(item.output, `${path}.output`),
        });
        break;
      default:
        throw unsupportedType("Items", item.type, path);
    }
  }
  return messages;
}

function required(item: Item, field: string, path: string): unknown {
  if (typeof item[field] === "string" && item[field] !== "") return item[field];
  throw missingParameter(`${path}.${field}`);
}

function readContent(content: unknown, path: string): unknown {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content.map((part, index) => chatPart(part, `${path}[${index}]`));
  // Every upstream takes a string; parts are only for what a string can't express.
  return parts.every((part) => part.type === "text")
    ? parts.map((part) => part.text).join("\n")
    : parts;
}

/** A content part in the form of Chat Completions. */
function chatPart(part: Record<string, unknown>, path: string): Record<string, unknown> {
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      return { type: "text", text: readText(part, "text", path) };
    case "refusal":
      return { type: "text", text: readText(part, "refusal", path) };
    case "input_image": {
      const { image_url: url, detail } = part;
      if (typeof url !== "string") throw missingData(`${path}.image_url`);
      return { type: "image_url", image_url: { url, ...(detail ? { detail } : {}) } };
    }
    case "input_file": {
      const { file_data, filename } = part;
      if (typeof file_data !== "string") throw missingData(`${path}.file_data`);
      const name = typeof filename === "string" ? { filename } : {};
      return { type: "file", file: { ...name, file_data } };
    }
    case "input_audio":
      return { type: "input_audio", input_audio: part.input_audio };
    default:
      throw unsupportedType("Content parts", part.type, path);
  }
}

function readText(part: Record<string, unknown>, field: string, path: string): string {
  const text = part[field];
  if (typeof text === "string") return text;
  const param = `${path}.${field}`;
  if (text === undefined) throw missingParameter(param);
  throw invalidRequest(param, `Invalid type for '${param}': expected a string.`, "invalid_type");
}

function missingData(path: string): Error {
  return missingParameter(path, " Files are not stored here: send the data itself.");
}

function unsupportedType(what: string, type: unknown, path: string): Error {
  return invalidRequest(
    `${path}.type`,
    `${what} of the type '${String(type).slice(0, 60)}' are not supported.`,
  );
}
