import { parse } from "@std/yaml";
import type { Fault, Path } from "./faults/fault.ts";

/** Returns a variable's value, or undefined if it is not set. */
export type Env = (name: string) => string | undefined;

export interface PrepareOptions {
  env: Env;
  /** Returns true for a value that is written without quotes. */
  isPlain: (path: Path) => boolean;
}

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
 * Replaces variables of the environment in a parsed value, and removes keys without a value. A
 * string with an invalid reference stays unchanged, with a fault at its path.
 */
export function prepare(
  value: unknown,
  options: PrepareOptions,
): { value: unknown; faults: Fault[] } {
  const faults: Fault[] = [];
  // Aliases share values. Each is prepared once: a few lines can represent billions of values.
  const prepared = new Map<unknown, unknown>();
  const ancestors = new Set<unknown>();

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
    const copy = Array.isArray(item)
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
    prepared.set(item, copy);
    return copy;
  }

  return { value: visit(value, []), faults };
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
