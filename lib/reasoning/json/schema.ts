/**
 * A client's JSON Schema as answers are checked by it: what could take the server's time without
 * end is left out, and the rest is counted.
 *
 * @module
 */
import { plainPattern } from "./plain_pattern.ts";

/** Steps that a check may take: less than a second. */
const MAX_STEPS = 200_000;

/** Steps that the making of a part of the schema takes. */
const PART_STEPS = 10;

/** Entries of a schema that are looked at in the time of one step. */
const ENTRIES_PER_STEP = 16;

/** Steps that the trial of a pattern takes at most. */
const PATTERN_STEPS = 100;

/** Keywords whose values are no schemas. */
const VALUES: ReadonlySet<string> = new Set(["const", "default", "enum", "examples", "required"]);

/** Keywords whose values are schemas by names. */
const MAPS: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "properties",
]);

/**
 * Keywords that are left to the model and its upstream: `patternProperties`, which may hold any
 * pattern; `uniqueItems`, which compares each item with each; and those of an older draft.
 */
const UNCHECKED: ReadonlySet<string> = new Set([
  "$recursiveAnchor",
  "$recursiveRef",
  "patternProperties",
  "uniqueItems",
]);

/** A schema to check by. */
export interface CheckedSchema {
  /** The schema. A check that comes to any part of it takes steps, and throws when none is left. */
  schema: Record<string, unknown>;
  /** Gives all steps anew; to be called before each check. */
  begin(): void;
}

type Given = Record<string, unknown>;

/**
 * Makes the schema to check by; the client's own stays as it is.
 *
 * @param schema from JSON, of bounded depth.
 * @throws {Error} for one that is too large.
 */
export function checkedSchema(schema: unknown): CheckedSchema {
  let steps = MAX_STEPS;
  const take = (cost: number) => {
    steps -= cost;
    if (steps < 0) throw new Error("it takes too long to check");
  };
  return {
    schema: copySchema(schema, take) as Given,
    begin() {
      steps = MAX_STEPS;
    },
  };
}

function copySchema(given: unknown, take: (cost: number) => void): unknown {
  if (Array.isArray(given)) return given.map((each) => copySchema(each, take));
  if (!isMap(given)) return given;
  take(PART_STEPS);
  const out: Given = Object.create(null);
  for (const [key, value] of Object.entries(given)) {
    if (UNCHECKED.has(key) || (key === "format" && value === "url")) continue;
    if (VALUES.has(key)) out[key] = value;
    else if (key === "pattern" && typeof value === "string") {
      const pattern = plainPattern(value);
      if (pattern !== undefined) out[key] = pattern;
    } else if (MAPS.has(key) && isMap(value)) {
      const map: Given = out[key] = Object.create(null);
      for (const [name, each] of Object.entries(value)) map[name] = copySchema(each, take);
    } else out[key] = copySchema(value, take);
  }
  if (given.patternProperties !== undefined) {
    // Which properties are additional can't be told without the patterns.
    delete out.additionalProperties;
    delete out.unevaluatedProperties;
  }
  const cost = 1 + entriesIn(given, 2) / ENTRIES_PER_STEP +
    (out.pattern === undefined ? 0 : PATTERN_STEPS);
  // The validator looks for this keyword of an older draft in every schema that it comes to.
  Object.defineProperty(out, "$recursiveRef", { get: () => take(cost) });
  return out;
}

function isMap(value: unknown): value is Given {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How many entries lists and maps have, down to so many levels. */
function entriesIn(value: unknown, levels: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (levels === 0) return Array.isArray(value) ? value.length : Object.keys(value).length;
  const entries = Object.values(value);
  return entries.reduce((count, each) => count + entriesIn(each, levels - 1), entries.length);
}
