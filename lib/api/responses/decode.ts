/**
 * The body of a Responses request and what is known of earlier ones in, the internal request out.
 *
 * @module
 */
import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import type { ChatBody } from "../chat/body.ts";
import { readTools, type Tools } from "../chat/tools.ts";
import { ApiError, invalidRequest } from "../errors.ts";
import { JSON_OBJECT, jsonFormat } from "../json_format.ts";
import type { Item, ResponsesBody } from "./body.ts";
import { type ItemsContext, type PlacedItem, toMessages } from "./items.ts";

/** What earlier requests left behind, as far as a body refers to it. */
export interface Known extends ItemsContext {
  /** The request's own items; what is known of one is known of this very object. */
  own: readonly Item[];
  /** The items before the request's own, oldest first. */
  history: readonly Item[];
  /** An item by its id. */
  item(id: string): Item | undefined;
}

/** A decoded request. */
export interface ResponsesRequest {
  /** What to reason about, and how. */
  reasoning: ReasoningRequest;
  /** The request's own input, with what it refers to in its place. */
  input: Item[];
}

/** Fields of `reasoning` that are not options of the strategy. */
const REASONING_FIELDS = new Set([
  "effort",
  "summary",
  "generate_summary",
  "mode",
  "context",
  "strategy",
]);

/** Fields that are passed on to the final call as they are. */
const FINAL_FIELDS = ["temperature", "top_p", "parallel_tool_calls"] as const;

/** The request's own items as they came; a string is a user's message. */
export function ownItems({ input }: Pick<ResponsesBody, "input">): Item[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return (input ?? []).map((item) => {
    const type = item.type ?? (item.role ? "message" : "item_reference");
    return { ...item, type } as Item;
  });
}

/**
 * The items that a client puts into a conversation.
 *
 * @throws {ApiError} 400 naming the item that no model could be told.
 */
export function conversationItems(body: { items?: ResponsesBody["input"] }): Item[] {
  const items = ownItems({ input: body.items });
  toMessages(items.map((item, index) => ({ item, path: `items[${index}]` })), {
    thinking: () => undefined,
  });
  return items;
}

/**
 * Decodes a body.
 *
 * @param strategy a strategy chosen by a header.
 * @throws {ApiError} 400 naming the field that is wrong, 404 for an item that is not known.
 * @internal the body's type is zod's
 */
export function decodeResponsesRequest(
  body: ResponsesBody,
  known: Known,
  strategy?: string | undefined,
): ResponsesRequest {
  const own = resolveItems(known.own, known);
  const chosen = body.reasoning?.strategy ?? strategy;
  const options = Object.entries(body.reasoning ?? {}).filter(([key, value]) =>
    !REASONING_FIELDS.has(key) && value !== null
  );
  const schema = answerFormat(body);
  const effort = body.reasoning?.effort ?? undefined;
  const before = known.history.map((item) => ({ item, path: "previous_response_id" }));
  const messages = toMessages([...before, ...own], known);
  if (body.instructions) messages.unshift({ role: "system", content: body.instructions });
  if (messages.length === 0) {
    throw invalidRequest("input", "Invalid value for 'input': it holds no message.");
  }
  return {
    input: own.map(({ item }) => item),
    reasoning: {
      messages,
      stream: body.stream === true,
      final: finalFields(body),
      ...(body.max_output_tokens ? { maxTokens: body.max_output_tokens } : {}),
      ...(effort === undefined ? {} : { effort }),
      ...(chosen === undefined || chosen === null ? {} : { strategy: chosen }),
      ...(options.length === 0 ? {} : { options: Object.fromEntries(options) }),
      ...(schema === undefined ? {} : { json: schema }),
    },
  };
}

/** Puts items in the place of references. Thinking that is not known any more is left out. */
function resolveItems(items: readonly Item[], known: Known): PlacedItem[] {
  return items.flatMap((item, index) => {
    const path = `input[${index}]`;
    if (item.type !== "item_reference") return [{ item, path }];
    const { id } = item;
    if (!id) {
      throw invalidRequest(
        `${path}.id`,
        `Missing required parameter: '${path}.id'.`,
        "missing_required_parameter",
      );
    }
    const found = known.item(id);
    if (found !== undefined) return [{ item: found, path }];
    if (id.startsWith("rs_")) return [];
    throw new ApiError(404, `Item with id '${id.slice(0, 100)}' not found.`, { param: "input" });
  });
}

function finalFields(body: ResponsesBody): FinalCallFields {
  const fields: Record<string, unknown> = {};
  for (const name of FINAL_FIELDS) {
    const value = body[name];
    if (value !== null && value !== undefined) fields[name] = value;
  }
  return { ...fields, ...tools(body) };
}

/** The same rules hold as in Chat Completions; only the shape is flat here. */
function tools(body: ResponsesBody): Tools {
  const list = (body.tools ?? []).map((tool, index) => {
    const { type, name, description, parameters, strict } = tool;
    if (type !== "function") {
      throw invalidRequest(
        `tools[${index}].type`,
        `Hosted tool '${type.slice(0, 60)}' is not supported. Describe the tool as a function.`,
      );
    }
    if (typeof name !== "string" || !/^[\w.:/-]{1,64}$/.test(name)) {
      throw invalidRequest(
        `tools[${index}].name`,
        `Invalid value for 'tools[${index}].name': expected 1 to 64 letters, digits, '_' or '-'.`,
      );
    }
    const rest = Object.entries({ description, parameters, strict })
      .filter(([, value]) => value !== null && value !== undefined);
    return { type, function: { name, ...Object.fromEntries(rest) } };
  });
  return readTools({ tools: list, tool_choice: nestedChoice(body.tool_choice) } as ChatBody);
}

function nestedChoice(choice: ResponsesBody["tool_choice"]): unknown {
  if (typeof choice !== "object" || choice === null) return choice;
  if (choice.type === "function") return { type: "function", function: { name: choice.name } };
  if (choice.type === "allowed_tools") {
    const allowed = Array.isArray(choice.tools)
      ? choice.tools.map((tool) => ({ type: "function", function: tool }))
      : undefined;
    return { type: "allowed_tools", allowed_tools: { mode: choice.mode, tools: allowed } };
  }
  throw invalidRequest(
    "tool_choice",
    `Hosted tool '${choice.type.slice(0, 60)}' is not supported.`,
  );
}

function answerFormat(body: ResponsesBody): JsonFormat | undefined {
  const format = body.text?.format;
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return JSON_OBJECT;
  if (!format.name) {
    throw invalidRequest(
      "text.format.name",
      "Missing required parameter: 'text.format.name'.",
      "missing_required_parameter",
    );
  }
  return jsonFormat({ ...format, name: format.name }, "text.format", "text.format.schema");
}
