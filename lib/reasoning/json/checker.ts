/**
 * Whether a text is the JSON that was asked for.
 *
 * The validator interprets schemas and generates no code from them: they are the client's. What a
 * schema says in patterns that may take for ever, and what takes too many steps, goes unchecked.
 *
 * @module
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import type { JsonFormat } from "../../upstream/target.ts";
import { checkedSchema } from "./schema.ts";

/** What a check came to: the bare JSON text, or what is wrong with it. */
export type JsonCheck = { ok: true; json: string } | { ok: false; problem: string };

/** Checks an answer's text. */
export type JsonChecker = (text: string) => JsonCheck;

const MAX_PROBLEMS = 5;

/**
 * Creates the check for a format.
 *
 * @throws {Error} for a schema that is none, that refers to itself without end, or that takes too
 * long to check.
 */
export function createJsonChecker(format: JsonFormat): JsonChecker {
  const validate = format.schema === undefined ? undefined : validatorOf(format.schema);
  validate?.({});
  return (text) => {
    const json = bareJson(text);
    if (json === undefined) return { ok: false, problem: "It is not valid JSON." };
    const value: unknown = JSON.parse(json);
    if (validate === undefined) {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return isObject ? { ok: true, json } : { ok: false, problem: "It is not a JSON object." };
    }
    const { valid, errors } = tried(validate, value) ?? UNCHECKED;
    if (valid) return { ok: true, json };
    // The last errors are the innermost ones, which say most.
    const problems = errors.slice(-MAX_PROBLEMS).map((error) =>
      `${error.instanceLocation}: ${error.error}`
    );
    return { ok: false, problem: problems.join("\n") };
  };
}

type Validate = (value: unknown) => ReturnType<Validator["validate"]>;

/** What stands for the result where a schema can't be followed to its end. */
const UNCHECKED: ReturnType<Validate> = { valid: true, errors: [] };

function validatorOf(given: unknown): Validate {
  const { schema, begin } = checkedSchema(given);
  const validator = new Validator(schema as Schema, "2020-12", false);
  return (value) => {
    begin();
    return validator.validate(value);
  };
}

function tried(validate: Validate, value: unknown): ReturnType<Validate> | undefined {
  try {
    return validate(value);
  } catch {
    return undefined;
  }
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
