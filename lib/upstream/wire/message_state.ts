import { isObject, type JsonObject } from "../../json.ts";

/** What a provider wants back with a message, unread: encrypted or signed reasoning. */
export interface MessageState {
  /** Reasoning of OpenRouter. */
  reasoning_details?: JsonObject[];
  /** Anthropic's thinking, in the form of LiteLLM. */
  thinking_blocks?: JsonObject[];
  /** Encrypted reasoning of GitHub Copilot. */
  reasoning_opaque?: string;
  /** Gemini's signature of a text. */
  extra_content?: JsonObject;
}

export const STATE_FIELDS = [
  "reasoning_details",
  "thinking_blocks",
  "reasoning_opaque",
  "extra_content",
] as const satisfies readonly (keyof MessageState)[];

/** Returns the state in a message, or in one of its chunks; undefined without any. */
export function stateOf(message: JsonObject): MessageState | undefined {
  let state: MessageState | undefined;
  for (const field of ["reasoning_details", "thinking_blocks"] as const) {
    const list = message[field];
    if (Array.isArray(list) && list.length > 0) (state ??= {})[field] = list.filter(isObject);
  }
  const { reasoning_opaque: opaque, extra_content: extra } = message;
  if (typeof opaque === "string" && opaque !== "") (state ??= {}).reasoning_opaque = opaque;
  // Gemini also marks the text of thoughts here, which is no state.
  if (isObject(extra) && JSON.stringify(extra).includes("signature")) {
    (state ??= {}).extra_content = extra;
  }
  return state;
}

export function joinState(pieces: readonly MessageState[]): MessageState {
  const joined: MessageState = {};
  for (const { reasoning_details, thinking_blocks, ...rest } of pieces) {
    Object.assign(joined, rest);
    if (reasoning_details) append(joined.reasoning_details ??= [], reasoning_details);
    if (thinking_blocks) append(joined.thinking_blocks ??= [], thinking_blocks);
  }
  return joined;
}

/** Fields that arrive in pieces. */
const TEXTS: ReadonlySet<string> = new Set(["text", "summary", "data", "thinking"]);

function append(list: JsonObject[], pieces: readonly JsonObject[]): void {
  for (const piece of pieces) {
    const last = list.at(-1);
    if (last === undefined || !continues(last, piece)) {
      list.push({ ...piece });
      continue;
    }
    for (const [name, value] of Object.entries(piece)) {
      const before = last[name];
      const isText = TEXTS.has(name) && typeof before === "string" && typeof value === "string";
      if (isText) last[name] = before + value;
      else if (value !== null && value !== "") last[name] = value;
    }
  }
}

function continues(last: JsonObject, piece: JsonObject): boolean {
  if (last.type !== piece.type || last.index !== piece.index) return false;
  // Blocks of thinking have no index; their signature comes last.
  return typeof piece.index === "number" || piece.type === "thinking" && !last.signature;
}
