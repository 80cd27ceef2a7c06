/**
 * Whether a text is the JSON that was asked for.
 *
 * The validator interprets schemas and generates no code from them: they are the client's.
 *
 * @module
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import type { JsonFormat } from "../upstream/target.ts";

/** What a check came to: the bare JSON text, or what is wrong with it. */
export type JsonCheck = { ok: true; json: string } | { ok: false; problem: string };

/** Checks an answer's text. */
export type JsonChecker = (text: string) => JsonCheck;

const MAX_PROBLEMS = 5;

/**
 * Creates the check for a format.
 *
 * @throws {Error} for a schema that is none.
 */
export function createJsonChecker(format: JsonFormat): JsonChecker {
  const validator = format.schema === undefined
    ? undefined
    : new Validator(format.schema as Schema, "2020-12", false);
  return (text) => {
    const json = bareJson(text);
    if (json === undefined) return { ok: false, problem: "It is not valid JSON." };
    const value: unknown = JSON.parse(json);
    if (validator === undefined) {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return isObject ? { ok: true, json } : { ok: false, problem: "It is not a JSON object." };
    }
    const { valid, errors } = validator.validate(value);
    if (valid) return { ok: true, json };
    // The last errors are the innermost ones, which say most.
    const problems = errors.slice(-MAX_PROBLEMS).map((error) =>
      `${error.instanceLocation}: ${error.error}`
    );
    return { ok: false, problem: problems.join("\n") };
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The JSON in a text, without the code fence or the words around it. */
function bareJson(text: string): string | undefined {
  const trimmed = text.trim();
  if (isJson(trimmed)) return trimmed;
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n?\s*```/i.exec(trimmed)?.[1]?.trim();
  if (fenced !== undefined && isJson(fenced)) return fenced;
  for (const [open, close] of [["{", "}"], ["[", "]"]] as const) {
    const from = trimmed.indexOf(open);
    const to = trimmed.lastIndexOf(close);
    const inner = from < 0 || to < from ? "" : trimmed.slice(from, to + 1);
    if (isJson(inner)) return inner;
  }
  return undefined;
}
