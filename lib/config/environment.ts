import { parse } from "@std/yaml";
import { isObject, type JsonObject } from "../json.ts";
import type { Fault, Path } from "./faults/fault.ts";

/** Returns a variable's value, or undefined if it is not set. */
export type Env = (name: string) => string | undefined;

export interface PrepareOptions {
  env: Env;
  /** Returns true for a value that is written without quotes. */
  isPlain: (path: Path) => boolean;
}

/** Adds the entries of other mappings, as in YAML 1.1. */
export const MERGE_KEY = "<<";

/** Maximum number of entries that merge keys add: a few lines can represent billions. */
const MAX_MERGED = 100_000;

/** Settings are nested at most six levels deep. */
const MAX_DEPTH = 32;

// `$${` is an escaped `${`. A `${` that starts no reference matches without a name.
const REFERENCE_REGEXP =
  /(?<escaped>\$\$\{)|\$\{(?:(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>[^}]*))?\})?/g;

// Texts that may be a number, a boolean or null; any other is a string.
const SCALAR_REGEXP = /^(?:~|[+-]?[.\w]*\w[.\w+-]*)?$/;

/** Returns true if any string in the value contains `${`. */
export function hasReference(value: unknown, seen: Set<unknown> = new Set()): boolean {
  if (typeof value === "string") return value.includes("${");
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some((item) => hasReference(item, seen));
}

/**
 * Replaces variables of the environment in a parsed value, applies merge keys, and removes keys
 * without a value and the extensions of the file (`x-…`). A string with an invalid reference stays
 * unchanged, with a fault at its path.
 */
export function prepare(value: unknown, options: PrepareOptions) {
  const faults: Fault[] = [];
  // Aliases share values. Each is prepared once: a few lines can represent billions of values.
  const prepared = new Map<unknown, unknown>();
  const ancestors = new Set<unknown>();
  let merged = 0;

  /** Returns the mapping with the entries that its merge key adds. */
  function merge({ [MERGE_KEY]: added, ...own }: JsonObject, path: Path): unknown {
    const sources = [added ?? []].flat();
    const fault = (message: string) => {
      faults.push({ path: [...path, MERGE_KEY], message });
      return own;
    };
    if (!sources.every(isObject)) {
      return fault("expected an alias of a mapping, such as '<<: *name', or a list of them");
    }
    const entries = sources.toReversed().flatMap((source) => Object.entries(source));
    merged += entries.length;
    if (merged > MAX_MERGED) return fault("too many values are merged; write them out");
    return Object.fromEntries([...entries, ...Object.entries(own)]);
  }

  function visit(item: unknown, path: Path): unknown {
    if (typeof item === "string") {
      return item.includes("${") ? replace(item, path, options, faults) : item;
    }
    if (item === null) return undefined;
    if (typeof item !== "object") return item;
    if (prepared.has(item)) return prepared.get(item);
    if (ancestors.has(item) || path.length > MAX_DEPTH) {
      const message = ancestors.has(item)
        ? "contains itself through an alias; write the value out"
        : "is nested too deeply";
      faults.push({ path, message });
      return undefined;
    }
    ancestors.add(item);
    let copy: unknown = Array.isArray(item)
      ? item.map((element, index) => visit(element, [...path, index]))
      : Object.fromEntries(
        Object.entries(item).map(([key, element]) => {
          // Assigning to a record's `__proto__` creates no entry.
          if (key === "__proto__") {
            faults.push({ path: [...path, key], message: "can't be used as a name" });
          }
          return [key, visit(element, [...path, key])];
        }),
      );
    ancestors.delete(item);
    if (Object.hasOwn(item, MERGE_KEY)) copy = merge(copy as JsonObject, path);
    prepared.set(item, copy);
    return copy;
  }

  return { value: withoutExtensions(visit(value, [])), faults };
}

/** Removes the keys of the file that hold values for aliases. */
function withoutExtensions(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("x-")));
}

function replace(text: string, path: Path, options: PrepareOptions, faults: Fault[]): unknown {
  const messages = new Set<string>();
  const replaced = text.replace(REFERENCE_REGEXP, (...match) => {
    const { escaped, name, fallback } = match.at(-1) as Record<string, string | undefined>;
    if (escaped !== undefined) return "${";
    if (name === undefined) {
      messages.add(
        "contains a ${ that is not a reference; write ${NAME}, ${NAME:-default}, or $${",
      );
      return "";
    }
    const value = options.env(name);
    // As in a shell, the default also replaces an empty variable.
    if (fallback !== undefined) return value || fallback;
    if (value === undefined) {
      messages.add(
        `the environment variable ${name} is not set; set it, or write \${${name}:-default}`,
      );
    }
    return value ?? "";
  });
  if (messages.size > 0) {
    for (const message of messages) faults.push({ path, message });
    return text;
  }
  return options.isPlain(path) ? typedScalar(replaced) : replaced;
}

/** Returns the value of an unquoted scalar with this text. */
function typedScalar(text: string): unknown {
  const scalar = text.trim();
  if (!SCALAR_REGEXP.test(scalar)) return text;
  const value = parse(scalar, { schema: "core" });
  if (typeof value === "number" || typeof value === "boolean") return value;
  return value === null ? undefined : text;
}
