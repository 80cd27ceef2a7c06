import type { z } from "zod";
import { type ApiError, invalidRequest } from "./errors.ts";

/**
 * Validates a body, or the field of one at this path.
 *
 * @throws {ApiError} 400 for the first fault, naming the field, in OpenAI's words.
 */
export function parseBody<T>(schema: z.ZodType<T>, json: unknown, path?: string): T {
  const parsed = schema.safeParse(json, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw faultOf(path === undefined ? issue! : { ...issue!, path: [path, ...issue!.path] });
}

export function missingParameter(param: string, hint = ""): ApiError {
  const message = `Missing required parameter: '${param}'.${hint}`;
  return invalidRequest(param, message, "missing_required_parameter");
}

/** @param problem without a full stop, e.g. `expected a string`. */
export function invalidValue(param: string, problem: string): ApiError {
  return invalidRequest(param, `Invalid value for '${param}': ${problem}.`);
}

export function invalidType(param: string, expected: string, value: unknown): ApiError {
  const message = `Invalid type for '${param}': expected ${expected}, but got ${
    typeName(value)
  } instead.`;
  return invalidRequest(param, message, "invalid_type");
}

/** Limits of the stop sequences, which are searched in every piece of an answer. */
const MAX_STOPS = 64;
const MAX_STOP_LENGTH = 256;

/** @throws {ApiError} 400 for stop sequences that take too long to search for. */
export function checkStops(stops: string | readonly string[] | null | undefined, param: string) {
  const list = [stops ?? []].flat();
  if (list.length > MAX_STOPS) throw invalidValue(param, `expected at most ${MAX_STOPS} sequences`);
  if (list.some((stop) => stop.length > MAX_STOP_LENGTH)) {
    throw invalidValue(param, `expected sequences of at most ${MAX_STOP_LENGTH} characters`);
  }
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** The fields that have a value: in a request, null means the same as an absent field. */
export function present<T extends object>(fields: T): Present<T> {
  const result: Present<T> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== null && value !== undefined) result[key] = value;
  }
  return result;
}

/** The fields of a body's `reasoning` that are options of the strategy: all that it does not name. */
export function strategyOptions(
  reasoning: Record<string, unknown> | null | undefined,
  { shape }: z.ZodObject,
): Record<string, unknown> | undefined {
  const options = Object.entries(reasoning ?? {})
    .filter(([key, value]) => !Object.hasOwn(shape, key) && value !== null);
  return options.length === 0 ? undefined : Object.fromEntries(options);
}

function faultOf(issue: z.core.$ZodIssue): ApiError {
  if (issue.code === "invalid_union") {
    // A list with one wrong item has the right type itself: the fault is the item's.
    const [inner] = issue.errors.find(([first]) => first?.path.length) ?? [];
    if (inner) return faultOf({ ...inner, path: [...issue.path, ...inner.path] });
  }
  const param = issue.path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`)
    .join("").replace(/^\./, "");
  if (param === "") {
    return invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
  }
  const value = issue.input;
  if (value === undefined) return missingParameter(param);
  switch (issue.code) {
    case "invalid_type":
    case "invalid_union": {
      const inside = issue.code === "invalid_union" && faultInside(issue);
      if (inside) return faultOf({ ...inside, path: [...issue.path, ...inside.path] });
      const expected = issue.code === "invalid_union"
        ? issue.message
        : EXPECTED[issue.expected] ?? issue.expected;
      return invalidType(param, expected, value);
    }
    case "too_small":
      return invalidValue(param, `expected at least ${issue.minimum}${unitOf(issue)}`);
    case "too_big":
      return invalidValue(param, `expected at most ${issue.maximum}${unitOf(issue)}`);
    case "invalid_value": {
      const values = issue.values.filter((allowed) => allowed !== "")
        .map((allowed) => `'${String(allowed)}'`);
      const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value);
      const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
      return invalidValue(param, `${shown}. Supported values are: ${values.join(", ")}`);
    }
    default:
      return invalidValue(param, issue.message);
  }
}

/** What clients read instead of the schema library's names of types. */
const EXPECTED: Record<string, string> = {
  array: "an array",
  boolean: "a boolean",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

/** Returns what is wrong within a value that has the type of one of the options. */
function faultInside({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  return errors.flat().find(({ path, code }) => path.length > 0 || code !== "invalid_type");
}

const UNITS: Readonly<Record<string, string>> = { array: " items", string: " characters" };

function unitOf({ origin }: { origin: string }): string {
  return UNITS[origin] ?? "";
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
