/**
 * Items of the Responses API: their ids, how they are kept, and what they say to a model.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses/input-items}
 * @module
 */
import type { Message } from "../../reasoning/request.ts";
import { invalidRequest } from "../errors.ts";
import type { Item } from "./body.ts";

/** What the prefix of an id says about its item. */
const PREFIXES: Readonly<Record<string, string>> = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fco",
};

/** Digits of an item's number in its id. */
const NUMBER_DIGITS = 8;

/**
 * The id of an item: its kind, the random part of its owner's id, and its number there, so that
 * whoever has the id can find the owner.
 *
 * @param owner id of the response or conversation that the item belongs to.
 */
export function itemId(type: string, owner: string, number: number): string {
  const tail = owner.slice(owner.indexOf("_") + 1);
  const digits = number.toString(16).padStart(NUMBER_DIGITS, "0");
  return `${PREFIXES[type] ?? "item"}_${tail}${digits}`;
}

/** The random part of the owner's id, where the id has the shape of {@linkcode itemId}. */
export function ownerOf(id: string): string | undefined {
  return /^[a-z]+_([0-9a-f]{48})[0-9a-f]{8}$/.exec(id)?.[1];
}

/** The number in an id of the shape of {@linkcode itemId}, as its digits. */
export function numberOf(id: string): string {
  return id.slice(-NUMBER_DIGITS);
}

/** Number of the first item of a request's own input; those of the output begin at 0. */
export const FIRST_INPUT = 0x8000_0000;

/**
 * An item as it is kept and listed: with its type, id and status, and its content as parts.
 *
 * @param id an id of the server's, for an item that has none.
 */
export function keptItem(item: Item, id: (type: string) => string): Item {
  const type = item.type ?? "message";
  const own = typeof item.id === "string" && item.id !== "" ? item.id : id(type);
  const rest: Item = { ...item, type, id: own };
  if (type === "message") {
    const text = item.role === "assistant" ? "output_text" : "input_text";
    const content = typeof item.content === "string" ? [{ type: text, text: item.content }] : [
      ...(item.content ?? []) as Record<string, unknown>[],
    ];
    rest.content = content.map(keptPart);
  }
  if (type !== "reasoning") rest.status ??= "completed";
  else rest.summary ??= [];
  return rest;
}

function keptPart(part: Record<string, unknown>): Record<string, unknown> {
  switch (part.type) {
    case "output_text":
      return { annotations: [], logprobs: [], ...part };
    case "input_image":
      return { ...part, detail: part.detail ?? "auto" };
    default:
      return part;
  }
}

/** What of earlier work goes with the items. */
export interface ItemsContext {
  /** The private thinking behind a reasoning item, for models that need it back. */
  thinking(item: Item): string | undefined;
}

/** An item and where the request has it, e.g. `input[0]`; for messages about it. */
export interface PlacedItem {
  /** The item. */
  item: Item;
  /** Its path. */
  path: string;
}

/**
 * The messages that items stand for, in order. An item without a type is a message.
 *
 * @throws {ApiError} 400 naming the item that nothing can be made of.
 */
export function toMessages(items: readonly PlacedItem[], context: ItemsContext): Message[] {
  const messages: Message[] = [];
  let thinking: string | undefined;
  for (const { item, path } of items) {
    switch (item.type) {
      case "message": {
        const role = item.role as Message["role"] ?? "user";
        if (role !== "assistant") thinking = undefined;
        messages.push({ role, content: contentOf(item.content, `${path}.content`) });
        break;
      }
      case "reasoning":
        thinking = context.thinking(item);
        break;
      case "function_call": {
        const call = {
          id: required(item, "call_id", path),
          type: "function",
          function: { name: required(item, "name", path), arguments: item.arguments ?? "" },
        };
        const last = messages.at(-1);
        if (last?.role === "assistant") {
          (last.tool_calls as unknown[] | undefined ?? (last.tool_calls = [])).push(call);
        } else messages.push({ role: "assistant", content: null, tool_calls: [call] });
        const holder = messages.at(-1)!;
        if (thinking !== undefined) holder.reasoning_content ??= thinking;
        thinking = undefined;
        break;
      }
      case "function_call_output":
        thinking = undefined;
        messages.push({
          role: "tool",
          tool_call_id: required(item, "call_id", path),
          content: contentOf(item.output, `${path}.output`),
        });
        break;
      default:
        throw invalidRequest(
          `${path}.type`,
          `Items of the type '${String(item.type).slice(0, 60)}' are not supported.`,
        );
    }
  }
  return messages;
}

function required(item: Item, field: string, path: string): unknown {
  if (typeof item[field] === "string" && item[field] !== "") return item[field];
  throw missing(`${path}.${field}`);
}

function contentOf(content: unknown, path: string): unknown {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content.map((part, index) => chatPart(part, `${path}[${index}]`));
  // Upstreams of every age take a text; parts are for what a text can't say.
  return parts.every((part) => part.type === "text")
    ? parts.map((part) => part.text).join("\n")
    : parts;
}

function chatPart(part: Record<string, unknown>, path: string): Record<string, unknown> {
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      return { type: "text", text: textOf(part, "text", path) };
    case "refusal":
      return { type: "text", text: textOf(part, "refusal", path) };
    case "input_image":
      if (typeof part.image_url !== "string") throw noFiles(`${path}.image_url`);
      return {
        type: "image_url",
        image_url: {
          url: part.image_url,
          ...(part.detail ? { detail: part.detail } : {}),
        },
      };
    case "input_file": {
      if (typeof part.file_data !== "string") throw noFiles(`${path}.file_data`);
      const name = typeof part.filename === "string" ? { filename: part.filename } : {};
      return { type: "file", file: { ...name, file_data: part.file_data } };
    }
    case "input_audio":
      return { type: "input_audio", input_audio: part.input_audio };
    default:
      throw invalidRequest(
        `${path}.type`,
        `Content parts of the type '${String(part.type).slice(0, 60)}' are not supported.`,
      );
  }
}

function textOf(part: Record<string, unknown>, field: string, path: string): string {
  const text = part[field];
  if (typeof text === "string") return text;
  if (text === undefined) throw missing(`${path}.${field}`);
  throw invalidRequest(
    `${path}.${field}`,
    `Invalid type for '${path}.${field}': expected a string.`,
    "invalid_type",
  );
}

function noFiles(path: string): Error {
  return missing(path, " Files are not stored here: send the data itself.");
}

function missing(path: string, hint = ""): Error {
  return invalidRequest(
    path,
    `Missing required parameter: '${path}'.${hint}`,
    "missing_required_parameter",
  );
}
