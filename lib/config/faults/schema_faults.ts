/**
 * What a schema found wrong, in words for people.
 *
 * @module
 */
import { z } from "zod";
import {
  expectation,
  type JsonSchema,
  kindOf,
  knownKeys,
  schemaAt,
} from "../schema/expectation.ts";
import type { Fault, Path } from "./fault.ts";
import { suggestion } from "./suggestion.ts";

type Issue = z.core.$ZodIssue;

/**
 * How a value is parsed that is parsed once: to generate code for it takes longer than to do
 * without.
 */
export const READ_ONCE = { jitless: true };

/**
 * Validates a value that stands at `path`; every fault is given, none quotes a text.
 *
 * @internal
 */
export function schemaFaults(
  schema: z.ZodType,
  value: unknown,
  path: Path,
): Fault[] {
  const result = schema.safeParse(value, READ_ONCE);
  if (result.success) return [];
  const json = z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
  return result.error.issues.flatMap((issue) => issueFaults(issue, json, value, path));
}

function issueFaults(
  issue: Issue,
  schema: JsonSchema,
  value: unknown,
  base: Path,
): Fault[] {
  const here = issue.path as (string | number)[];
  const path = [...base, ...here];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schemaAt(schema, here));
      return issue.keys.map((key) => unknownKey(path, key, known));
    }
    case "invalid_key":
      return [{ path, message: "a name must not be empty" }];
    case "invalid_union": {
      const branch = matchingBranch(issue);
      if (branch === undefined) break;
      return branch.flatMap((inner) =>
        issueFaults(
          { ...inner, path: [...here, ...inner.path] },
          schema,
          value,
          base,
        )
      );
    }
    case "invalid_format":
    case "custom":
      return [{ path, message: issue.message }];
  }
  return [{
    path,
    message: unexpected(schemaAt(schema, here), valueAt(value, here)),
  }];
}

/** The faults of the alternative that has the value's type. */
function matchingBranch(
  issue: z.core.$ZodIssueInvalidUnion,
): Issue[] | undefined {
  return issue.errors.find((issues) =>
    issues.length > 0 &&
    !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0)
  );
}

function unexpected(schema: JsonSchema | undefined, value: unknown): string {
  const allowed = expectation(schema ?? {});
  if (value === undefined) return `is missing; expected ${allowed}`;
  const scalar = typeof value === "number" || typeof value === "boolean";
  if (scalar && allowed.includes("a text")) {
    return `expected ${allowed}, got a ${typeof value}; put it in quotes`;
  }
  const meant = typeof value === "string" && schema?.enum !== undefined
    ? suggestion(value, schema.enum.map(String))
    : "";
  // The list of what is known would only repeat what is allowed.
  if (meant.startsWith("; did")) return `expected ${allowed}${meant}`;
  return `expected ${allowed}, got ${kindOf(value)}`;
}

/** A fault for a key that is not known at this path. */
export function unknownKey(
  path: Path,
  key: string,
  known: readonly string[],
): Fault {
  const at = [...path, key];
  // `api_key:secret` is one key in a flow mapping; what follows the colon must not be shown.
  const [name = ""] = key.split(":");
  if (name !== key) {
    return {
      path: [...path, name],
      at,
      message: "put a space after the colon",
    };
  }
  return { path: at, message: `unknown key${suggestion(key, known)}` };
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, segment) =>
      typeof inner === "object" && inner !== null &&
        Object.hasOwn(inner, segment)
        ? (inner as Record<string | number, unknown>)[segment]
        : undefined,
    value,
  );
}
