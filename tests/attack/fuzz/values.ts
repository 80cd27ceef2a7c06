/**
 * Texts, JSON values and bytes that programs handle badly.
 *
 * @module
 */
import type { Chance } from "./chance.ts";

const WORDS = [
  "```",
  "```json\n",
  "\n",
  "\r\n",
  " ",
  "\t",
  "<think>",
  "</think>",
  "<",
  "FINAL: 4",
  "Answer: B",
  "\\boxed{",
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\",
  '{"title":"a","content":"b","next_action":"continue"}',
  '{"title":"a","content":"b","next_action":"final_answer"}',
  "a",
  "0",
  "-",
  "1e400",
  ".",
  ",",
  "é",
  "字",
  "\0",
  "\ud800",
  "\u{1F600}",
  "\u2028",
  "data: ",
  "[DONE]",
  ":",
  "|",
  "$",
  "**",
  "ERROR: x\nVERDICT: WRONG",
  "(a|a)*b",
  "%2f",
  "//",
  "../",
  "yes",
  "4",
  "Thinking about it",
  "data:image/png;base64,AAAA",
  "data:application/pdf;base64,",
] as const;

/** Texts of upstreams' errors from which the server learns. */
const COMPLAINTS = [
  "The `reasoning_content` must be passed back.",
  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  "Unsupported value: 'temperature' does not support 0.7 with this model.",
  "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000.",
  "response_format json_schema is not supported",
  "developer role is not supported",
  "system messages must be at the beginning",
  "max_tokens must be less than or equal to 4096",
];

const KEYS = [
  "type",
  "content",
  "role",
  "text",
  "id",
  "name",
  "arguments",
  "tool_calls",
  "function",
  "index",
  "$ref",
  "properties",
  "items",
  "anyOf",
  "allOf",
  "not",
  "enum",
  "const",
  "pattern",
  "format",
  "minLength",
  "required",
  "additionalProperties",
  "$defs",
  "reasoning",
  "strategy",
  "effort",
  "stream",
  "__proto__",
  "constructor",
  "toString",
  "toJSON",
  "",
  "a",
] as const;

const NUMBERS = [0, -0, -1, 1, 0.5, 2, 16, 1e9, 9e15, 1e21, 1e308, -1e308, 5e-324] as const;

/** @param max length in characters, about. */
export function text(chance: Chance, max = 20_000): string {
  switch (chance.below(6)) {
    case 0:
      return chance.pick(WORDS);
    case 1:
      return chance.pick(COMPLAINTS);
    case 2: {
      const unit = chance.pick(WORDS) + (chance.happens(0.5) ? chance.pick(WORDS) : "");
      return unit.repeat(Math.ceil(chance.size(max) / unit.length)) + chance.pick(WORDS);
    }
    default:
      return Array.from({ length: chance.size(60) }, () => chance.pick(WORDS)).join("");
  }
}

export function value(chance: Chance, depth = 0): unknown {
  switch (chance.below(depth > 3 ? 5 : 11)) {
    case 0:
      return null;
    case 1:
      return chance.happens(0.5);
    case 2:
      return chance.pick(NUMBERS);
    case 3:
    case 4:
      return text(chance);
    case 5:
      return { toString: 1 };
    case 6:
      return nested(chance);
    case 7: {
      const item = value(chance, 4);
      // Long texts as often as this would be more than a string can hold.
      return Array(chance.size(5_000)).fill(typeof item === "string" ? item.slice(0, 200) : item);
    }
    case 8:
      return Array.from({ length: chance.size(8) - 1 }, () => value(chance, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: chance.size(8) - 1 }, () => [
          chance.pick(KEYS),
          value(chance, depth + 1),
        ]),
      );
  }
}

function nested(chance: Chance): unknown {
  const key = chance.pick(KEYS);
  const isArray = chance.happens(0.5);
  let inner = value(chance, 4);
  for (let levels = chance.size(300); levels > 0; levels--) {
    inner = isArray ? [inner] : { [key]: inner };
  }
  return inner;
}

type Container = Record<string, unknown>;

/** Sets an own property: `__proto__` too is a key that a client may send. */
function set(target: Container, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** The objects and arrays of a value, itself included. */
function containersOf(root: unknown): Container[] {
  const found: Container[] = [];
  const open = [root];
  while (open.length > 0 && found.length < 1_000) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    found.push(next as Container);
    open.push(...Object.values(next).slice(0, 100));
  }
  return found;
}

/** Characters that one change adds to an array, about. */
const MAX_ADDED = 4_000_000;

/** Returns a copy of a JSON value with a few changes. */
export function mutated(chance: Chance, root: unknown, changes = chance.below(4)): unknown {
  const copy = structuredClone(root);
  for (let i = 0; i < changes; i++) {
    const containers = containersOf(copy);
    if (containers.length === 0) return value(chance);
    const target = chance.pick(containers);
    const other = chance.pick(containers);
    const key = chance.happens(0.8) ? chance.pick(Object.keys(target)) : chance.pick(KEYS);
    if (key === undefined) continue;
    switch (chance.below(6)) {
      case 0:
        delete target[key];
        break;
      case 1:
        set(target, key, structuredClone(chance.pick(Object.values(other))));
        break;
      case 2:
        set(target, key, Object.hasOwn(target, key) ? [target[key]] : []);
        break;
      case 3:
        if (Array.isArray(target)) {
          // Repeated long items would soon be more than a string can hold.
          const most = MAX_ADDED / (JSON.stringify(target[0])?.length ?? 1);
          target.push(...Array(Math.ceil(Math.min(chance.size(2_000), most))).fill(target[0]));
        } else set(target, chance.pick(KEYS), value(chance));
        break;
      default:
        set(target, key, value(chance));
    }
  }
  return copy;
}

const utf8 = new TextEncoder();

/** Returns text as bytes, some of which may be changed, removed or inserted. */
export function bytes(chance: Chance, text: string, damage: number): Uint8Array<ArrayBuffer> {
  const whole = utf8.encode(text);
  if (!chance.happens(damage)) return whole;
  const at = chance.below(whole.length + 1);
  switch (chance.below(4)) {
    case 0:
      return whole.slice(0, at);
    case 1:
      if (whole.length > 0) whole[at % whole.length] = chance.below(256);
      return whole;
    case 2: {
      const more = Uint8Array.from({ length: chance.size(200) }, () => chance.below(256));
      return joined(whole.subarray(0, at), more, whole.subarray(at));
    }
    default:
      return utf8.encode(text.replace(/\d+/, () => chance.pick(["1e400", "-", "0x1", "1.", "00"])));
  }
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Returns the bytes in chunks of HTTP, one of which may be broken. */
export function chunked(
  chance: Chance,
  body: Uint8Array,
  damage: number,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length;) {
    const part = body.subarray(at, at + chance.size(body.length - at));
    at += part.length;
    const size = chance.happens(damage)
      ? chance.pick(["", "-1", "ffffffffffffffff1", "g", "0"])
      : part.length.toString(16);
    parts.push(utf8.encode(`${size}\r\n`), part, utf8.encode("\r\n"));
  }
  return joined(...parts, utf8.encode(chance.happens(damage) ? "" : "0\r\n\r\n"));
}
