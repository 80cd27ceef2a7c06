import { isObject, type JsonObject } from "../../json.ts";
import type { AnswerParts } from "../../reasoning/events.ts";

/**
 * Adds the parts of a chunk to those before it: lists grow, the pieces of an audio are joined, and
 * sources, which providers repeat in every chunk, are replaced.
 */
export function addParts(to: AnswerParts, { message, choice, completion }: AnswerParts): void {
  if (message !== undefined) to.message = joined(to.message ?? {}, message);
  if (choice !== undefined) to.choice = joined(to.choice ?? {}, choice);
  if (completion !== undefined) to.completion = { ...to.completion, ...completion };
}

/** Fields of an audio that come in pieces; the others are repeated. */
const PIECES: ReadonlySet<string> = new Set(["data", "transcript"]);

function joined(before: JsonObject, next: JsonObject): JsonObject {
  const all: JsonObject = { ...before };
  for (const [field, value] of Object.entries(next)) {
    const old = all[field];
    if (Array.isArray(old) && Array.isArray(value)) all[field] = [...old, ...value];
    else if (isObject(old) && isObject(value)) all[field] = joined(old, value);
    else if (PIECES.has(field) && typeof old === "string") all[field] = `${old}${value}`;
    else all[field] = value ?? old;
  }
  return all;
}
