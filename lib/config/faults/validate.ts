import { z } from "zod";
import { expectation, type JsonSchema } from "./expectation.ts";
import type { Fault, Path } from "./fault.ts";
import { suggestion } from "./suggestion.ts";

/**
 * Validates a value and words every fault. No message quotes a string of the value, as it may be a
 * key. `data` is undefined if there are faults.
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown) {
  // Without a just-in-time compiler: compiling takes longer than parsing once.
  const { data, error } = schema.safeParse(value, { jitless: true, error: describe });
  return { data, faults: (error?.issues ?? []).flatMap(issueFaults) };
}

function issueFaults(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const messages = issue.message.split("\n");
    return issue.keys.map((key, index) => keyFault(path, key, messages[index] ?? ""));
  }
  if (issue.code === "invalid_union") {
    const branch = matchingBranch(issue);
    if (branch !== undefined) {
      return branch.flatMap((inner) =>
        issueFaults({ ...inner, path: [...issue.path, ...inner.path] })
      );
    }
  }
  return [{ path, message: issue.message }];
}

/** @param path that of the mapping with the key. */
export function keyFault(path: Path, key: string, message: string): Fault {
  // `api_key:secret` is one key in a flow mapping; the part after the colon must not be shown.
  return { path: [...path, key.replace(/:.*/s, "")], at: [key], message };
}

/** Returns the issues of the union's option that has the value's type, if one has. */
function matchingBranch({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  return errors.find((issues) =>
    issues.length > 0 &&
    !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0)
  );
}

export function unknownKey(key: string, names: readonly string[]): string {
  return key.includes(":") ? "put a space after the colon" : `unknown key${suggestion(key, names)}`;
}

/** Returns the keys of this name in the sections of a mapping, such as `'server.port'`. */
function placesOf(key: string, schema: z.core.$ZodType): string[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const { properties = {} } = json as JsonSchema;
  return Object.entries(properties)
    .filter(([, section]) => Object.hasOwn(section.properties ?? {}, key))
    .map(([name]) => `'${name}.${key}'`);
}

function describe(issue: z.core.$ZodRawIssue): string | undefined {
  const { input, schema } = issue;
  if (issue.code === "invalid_key") return issue.issues[0]?.message;
  if (schema === undefined) return undefined;
  if (issue.code === "unrecognized_keys") {
    const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    return issue.keys.map((key) => {
      const places = placesOf(key, schema);
      if (places.length === 0) return unknownKey(key, names);
      return `unknown key; did you mean ${places.join(" or ")}?`;
    }).join("\n");
  }
  const json = z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
  const expected = expectation(json);
  if (input === undefined) return `is missing; expected ${expected}`;
  const isScalar = typeof input === "number" || typeof input === "boolean";
  if (isScalar && expected.includes("string")) {
    return `expected ${expected}, got a ${typeof input}; put it in quotes`;
  }
  const meant = typeof input === "string" ? suggestion(input, json.enum?.map(String) ?? []) : "";
  // Listing every name would only repeat what is expected.
  return `expected ${expected}${meant.startsWith("; did") ? meant : `, got ${kindOf(input)}`}`;
}

/** Names the kind of a value without showing a string. */
function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return typeof value === "string" ? "a string" : String(value);
}
