/**
 * What is wrong with a field of a request, in OpenAI's words.
 *
 * @module
 */
import type { z } from "zod";
import { type ApiError, invalidRequest } from "./errors.ts";

/**
 * The error for the first fault that a schema found in a body.
 *
 * @param issue zod's issue.
 * @param json the body.
 *
 * @internal the issue's type is zod's
 */
export function requestFault(issue: z.core.$ZodIssue, json: unknown): ApiError {
  const param = issue.path.reduce<string>(
    (path, key) =>
      typeof key === "number"
        ? `${path}[${key}]`
        : path === ""
        ? String(key)
        : `${path}.${String(key)}`,
    "",
  );
  if (param === "") {
    return invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
  }
  const value = valueAt(json, issue.path);
  if (value === undefined) {
    return invalidRequest(
      param,
      `Missing required parameter: '${param}'.`,
      "missing_required_parameter",
    );
  }
  switch (issue.code) {
    case "invalid_type":
    case "invalid_union": {
      const expected = issue.code === "invalid_type" ? issue.expected : issue.message;
      return invalidRequest(
        param,
        `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`,
        "invalid_type",
      );
    }
    case "too_small":
    case "too_big":
      return invalidRequest(param, `Invalid value for '${param}': ${bound(issue)}.`);
    case "invalid_value": {
      const values = issue.values.filter((value) => value !== "").map((value) =>
        `'${String(value)}'`
      );
      return invalidRequest(
        param,
        `Invalid value for '${param}': ${shown(value)}. Supported values are: ${
          values.join(", ")
        }.`,
      );
    }
    default:
      return invalidRequest(param, `Invalid value for '${param}': ${issue.message}.`);
  }
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const small = issue.code === "too_small";
  const limit = String(small ? issue.minimum : issue.maximum);
  const what = issue.origin === "array" ? " items" : "";
  return `expected ${small ? "at least" : "at most"} ${limit}${what}`;
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    json,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value)
    ? "an array"
    : typeof value === "object"
    ? "an object"
    : `a ${typeof value}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value) ?? kindOf(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
