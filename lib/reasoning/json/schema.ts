/**
 * Prepares a client's JSON Schema so that checking an answer against it takes bounded time.
 *
 * @module
 */
import { safePattern } from "./safe_pattern.ts";

/** Steps in one check; takes less than a second. */
const MAX_STEPS = 200_000;
/** Steps for copying one subschema. */
const COPY_STEPS = 10;
/** Entries of a subschema that are compared in the time of one step. */
const ENTRIES_PER_STEP = 16;
/** Steps for matching one pattern. */
const PATTERN_STEPS = 100;

/** Keywords whose values are data. */
const DATA = new Set(["const", "default", "enum", "examples", "required"]);

/** Keywords whose values map names to schemas. */
const MAPS = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "properties",
]);

/**
 * Keywords that are not checked: `patternProperties`, which may hold any pattern; `uniqueItems`,
 * which takes quadratic time; and those of an older draft.
 */
const UNCHECKED = new Set([
  "$recursiveAnchor",
  "$recursiveRef",
  "patternProperties",
  "uniqueItems",
]);

type SchemaObject = Record<string, unknown>;

export interface BoundedSchema {
  /** A copy of the schema. Visiting a subschema spends steps and throws when none are left. */
  schema: SchemaObject;
  /** Must be called before each check. */
  resetSteps(): void;
}

/**
 * @param schema from JSON, of bounded depth; stays unchanged.
 * @throws {Error} if the schema is too large.
 */
export function boundedSchema(schema: unknown): BoundedSchema {
  let steps = MAX_STEPS;
  const spend = (cost: number) => {
    steps -= cost;
    if (steps < 0) throw new Error("it takes too long to check");
  };
  return {
    schema: copySchema(schema, spend) as SchemaObject,
    resetSteps() {
      steps = MAX_STEPS;
    },
  };
}

function copySchema(schema: unknown, spend: (cost: number) => void): unknown {
  if (Array.isArray(schema)) return schema.map((item) => copySchema(item, spend));
  if (!isObject(schema)) return schema;
  spend(COPY_STEPS);
  const copy: SchemaObject = Object.create(null);
  for (const [key, value] of Object.entries(schema)) {
    if (UNCHECKED.has(key) || (key === "format" && value === "url")) continue;
    if (DATA.has(key)) copy[key] = value;
    else if (key === "pattern" && typeof value === "string") {
      const pattern = safePattern(value);
      if (pattern !== undefined) copy[key] = pattern;
    } else if (MAPS.has(key) && isObject(value)) {
      const map: SchemaObject = copy[key] = Object.create(null);
      for (const [name, item] of Object.entries(value)) map[name] = copySchema(item, spend);
    } else copy[key] = copySchema(value, spend);
  }
  if (schema.patternProperties !== undefined) {
    // Without the patterns it is unknown which properties are additional.
    delete copy.additionalProperties;
    delete copy.unevaluatedProperties;
  }
  const cost = 1 + countEntries(schema, 2) / ENTRIES_PER_STEP +
    (copy.pattern === undefined ? 0 : PATTERN_STEPS);
  // The validator reads this keyword of an older draft in every subschema it visits, and has no
  // other hook. 20 levels of `allOf` with the next level twice take it 1.4 s, 40 levels 16 days.
  Object.defineProperty(copy, "$recursiveRef", { get: () => spend(cost) });
  return copy;
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Counts the entries of nested lists and objects, `levels` deep. */
function countEntries(value: unknown, levels: number): number {
  if (typeof value !== "object" || value === null) return 0;
  const entries = Object.values(value);
  if (levels === 0) return entries.length;
  return entries.reduce((sum, entry) => sum + countEntries(entry, levels - 1), entries.length);
}
