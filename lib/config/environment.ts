/**
 * Variables of the environment in the values of a configuration.
 *
 * @module
 */
import { parse } from "@std/yaml";
import type { Fault, Path } from "./faults/fault.ts";

/** Gives a variable's value; undefined where it is not set. */
export type Env = (name: string) => string | undefined;

/** How values are made ready for validation. */
export interface PrepareOptions {
  /** Where variables come from. */
  env: Env;
  /** Whether the value at this path is written without quotes. */
  isPlain: (path: Path) => boolean;
}

/** Deepest nesting that is looked at; settings go no deeper than six. */
const MAX_DEPTH = 32;

// `$${` stands for a plain `${`; a `${` that is no reference matches with no name.
const REFERENCE_REGEXP =
  /(?<escaped>\$\$\{)|\$\{(?:(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>[^}]*))?\})?/g;

// Texts that can be a number, a boolean or null; anything else stays a text.
const TYPED_REGEXP = /^(?:~|[+-]?[.\w]*\w[.\w+-]*)?$/;

/** Whether any text in the value holds `${`. */
export function holdsReference(
  value: unknown,
  seen: Set<unknown> = new Set(),
): boolean {
  if (typeof value === "string") return value.includes("${");
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return false;
  }
  seen.add(value);
  return Object.values(value).some((item) => holdsReference(item, seen));
}

/**
 * Makes a parsed value ready for validation: variables are replaced, and a key without a value
 * counts as left out. What can't be replaced stays as it is, with a fault at its path.
 */
export function prepare(
  value: unknown,
  options: PrepareOptions,
): { value: unknown; faults: Fault[] } {
  const faults: Fault[] = [];
  // Aliases share values: each is done once, or a few lines could stand for billions.
  const done = new Map<unknown, unknown>();
  const open = new Set<unknown>();

  function visit(item: unknown, path: Path): unknown {
    if (typeof item === "string") {
      return item.includes("${") ? replace(item, path, options, faults) : item;
    }
    if (item === null) return undefined;
    if (typeof item !== "object") return item;
    if (done.has(item)) return done.get(item);
    if (open.has(item) || path.length > MAX_DEPTH) {
      const message = open.has(item)
        ? "holds itself through an alias; write the value out"
        : "is nested too deeply";
      faults.push({ path, message });
      return undefined;
    }
    open.add(item);
    const copy = Array.isArray(item)
      ? item.map((element, index) => visit(element, [...path, index]))
      : Object.fromEntries(
        Object.entries(item).map(([key, element]) => {
          // Records are built by assignment later on, where this name would vanish.
          if (key === "__proto__") {
            faults.push({ path: [...path, key], message: "can't be a name" });
          }
          return [key, visit(element, [...path, key])];
        }),
      );
    open.delete(item);
    done.set(item, copy);
    return copy;
  }

  return { value: visit(value, []), faults };
}

function replace(
  text: string,
  path: Path,
  options: PrepareOptions,
  faults: Fault[],
): unknown {
  const messages: string[] = [];
  const replaced = text.replace(REFERENCE_REGEXP, (...match) => {
    const { escaped, name, fallback } = match.at(-1) as Record<
      string,
      string | undefined
    >;
    if (escaped !== undefined) return "${";
    if (name === undefined) {
      messages.push(
        "holds a ${ that names no variable; write ${NAME}, ${NAME:-default}, or $${",
      );
      return "";
    }
    const value = options.env(name);
    // As in a shell, the default stands in for an empty variable too.
    if (fallback !== undefined) return value || fallback;
    if (value === undefined) {
      messages.push(
        `the environment variable ${name} is not set; set it, or write \${${name}:-default}`,
      );
    }
    return value ?? "";
  });
  if (messages.length > 0) {
    faults.push(
      ...[...new Set(messages)].map((message) => ({ path, message })),
    );
    return text;
  }
  return options.isPlain(path) ? typedAnew(replaced) : replaced;
}

/** The value that YAML gives to an unquoted scalar of this text. */
function typedAnew(text: string): unknown {
  const scalar = text.trim();
  if (!TYPED_REGEXP.test(scalar)) return text;
  const value = parse(scalar, { schema: "core" });
  if (typeof value === "number" || typeof value === "boolean") return value;
  return value === null ? undefined : text;
}
