/**
 * Items of the Responses API as they are stored and listed.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses/input-items}
 */
import type { Item } from "./body.ts";

const PREFIXES: Readonly<Record<string, string>> = {
  compaction: "cmp",
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  tool_search_call: "tsc",
  tool_search_output: "tso",
  code_interpreter_call: "ci",
  web_search_call: "ws",
  mcp_list_tools: "mcpl",
  mcp_call: "mcp",
  mcp_approval_request: "mcpr",
  mcp_approval_response: "mcpa",
};

/** Hexadecimal digits of an item's number in its id. */
const NUMBER_DIGITS = 8;

/**
 * Returns the id of an item: its type, the random part of its owner's id, and its number in the
 * owner. So the id leads to the owner.
 *
 * @param owner id of the response or conversation that the item belongs to.
 */
export function itemId(type: string, owner: string, number: number): string {
  const random = owner.slice(owner.indexOf("_") + 1);
  const digits = number.toString(16).padStart(NUMBER_DIGITS, "0");
  return `${PREFIXES[type] ?? "item"}_${random}${digits}`;
}

/** The random part of the owner's id, if the id has the form of {@linkcode itemId}. */
export function ownerOf(id: string): string | undefined {
  return /^[a-z]+_([0-9a-f]{48})[0-9a-f]{8}$/.exec(id)?.[1];
}

/** The hexadecimal number in an id of the form of {@linkcode itemId}. */
export function numberOf(id: string): string {
  return id.slice(-NUMBER_DIGITS);
}

/** Number of the first item of a request's input. Those of the output begin at 0. */
export const FIRST_INPUT = 0x8000_0000;

/**
 * Completes an item for storage: with type, id and status, and its content as parts.
 *
 * @param newId called for an item that has no id.
 */
export function storedItem(item: Item, newId: (type: string) => string): Item {
  const type = item.type ?? "message";
  const stored: Item = { ...item, type, id: item.id || newId(type) };
  if (type === "message") {
    const textType = item.role === "assistant" ? "output_text" : "input_text";
    const parts = typeof item.content === "string"
      ? [{ type: textType, text: item.content }]
      : (item.content ?? []) as Record<string, unknown>[];
    stored.content = parts.map(storedPart);
  }
  if (type === "reasoning") stored.summary ??= [];
  else stored.status ??= "completed";
  return stored;
}

function storedPart(part: Record<string, unknown>): Record<string, unknown> {
  switch (part.type) {
    case "output_text":
      return { annotations: [], logprobs: [], ...part };
    case "input_image":
      return { ...part, detail: part.detail ?? "auto" };
    default:
      return part;
  }
}
