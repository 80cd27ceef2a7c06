/** Prepares a client's JSON Schema so that checking an answer against it takes bounded time. */
import { isObject, type JsonObject } from "../../json.ts";
import { safePattern } from "./safe_pattern.ts";

/** Steps in one check; takes less than 0.1 seconds. */
const MAX_STEPS = 60_000;
/** Steps for copying one subschema. */
const COPY_STEPS = 8;
/** Entries of a subschema or an object that are read in the time of one step. */
const ENTRIES_PER_STEP = 16;
/** Characters of names and values that are read in the time of one step. */
const CHARACTERS_PER_STEP = 256;
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
const UNCHECKED = new Set<unknown>([
  "$recursiveAnchor",
  "$recursiveRef",
  "patternProperties",
  "uniqueItems",
]);

/** Formats that are not checked: one takes quadratic time, and one compiles the answer. */
const UNCHECKED_FORMATS = new Set<unknown>(["url", "regex"]);

/** Keywords that read the whole of a text. */
const TEXT_KEYWORDS = ["minLength", "maxLength", "format"];

/** Keywords that are applied to many items or properties. A boolean there would take no steps. */
const MANY = new Set([
  "additionalItems",
  "additionalProperties",
  "contains",
  "items",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** The largest parts of a value, in steps. */
interface ValueSize {
  text: number;
  list: number;
  object: number;
}

export interface BoundedSchema {
  /** A copy of the schema. Visiting a subschema spends steps and throws when none are left. */
  schema: JsonObject;
  /** Must be called before each check, with the value to check. */
  resetSteps(value: unknown): void;
}

/** Spends the steps for reading a subschema, and those for parts of the value. */
type Spend = (cost: number, ofText?: boolean, ofList?: boolean) => void;

/**
 * @param schema from JSON, of bounded depth; stays unchanged.
 * @throws {Error} if the schema is too large.
 */
export function boundedSchema(schema: unknown): BoundedSchema {
  let steps = MAX_STEPS;
  let value: ValueSize = { text: 0, list: 0, object: 0 };
  const spend: Spend = (cost, ofText = false, ofList = false) => {
    steps -= cost + value.object + (ofText ? value.text : 0) + (ofList ? value.list : 0);
    if (steps < 0) throw new Error("it takes too long to check");
  };
  return {
    schema: copySchema(schema, spend, 0) as JsonObject,
    resetSteps(next) {
      steps = MAX_STEPS;
      value = sizeOf(next);
    },
  };
}

/** @param pathLength characters of the names before this subschema, which the validator joins. */
function copySchema(schema: unknown, spend: Spend, pathLength: number): unknown {
  if (Array.isArray(schema)) return schema.map((item) => copySchema(item, spend, pathLength));
  if (!isObject(schema)) return schema;
  const length = pathLength + String(schema.$id ?? schema.id ?? "").length;
  spend(COPY_STEPS + length / CHARACTERS_PER_STEP);
  const copy: JsonObject = Object.create(null);
  for (const [key, value] of Object.entries(schema)) {
    const next = length + key.length;
    if (UNCHECKED.has(key) || (key === "format" && UNCHECKED_FORMATS.has(value))) continue;
    if (DATA.has(key)) copy[key] = value;
    else if (key === "pattern" && typeof value === "string") {
      const pattern = safePattern(value);
      if (pattern !== undefined) copy[key] = pattern;
    } else if (MAPS.has(key) && isObject(value)) {
      const map: JsonObject = copy[key] = Object.create(null);
      for (const [name, item] of Object.entries(value)) {
        map[name] = copySchema(item, spend, next + name.length);
      }
    } else if (typeof value === "boolean" && MANY.has(key)) {
      copy[key] = copySchema(value ? {} : { enum: [] }, spend, next);
    } else copy[key] = copySchema(value, spend, next);
  }
  if (schema.patternProperties !== undefined) {
    // Without the patterns it is unknown which properties are additional.
    delete copy.additionalProperties;
    delete copy.unevaluatedProperties;
  }
  const cost = 1 + countEntries(schema, 2) / ENTRIES_PER_STEP +
    (countCharacters(schema) + length) / CHARACTERS_PER_STEP / 4 +
    (copy.pattern === undefined ? 0 : PATTERN_STEPS);
  const ofText = TEXT_KEYWORDS.some((key) => key in copy);
  // Reads a whole list, without its items.
  const ofList = "unevaluatedItems" in copy;
  // The validator reads this keyword of an older draft in every subschema it visits, and has no
  // other hook. 20 levels of `allOf` with the next level twice take it 1.4 s, 40 levels 16 days.
  Object.defineProperty(copy, "$recursiveRef", { get: () => spend(cost, ofText, ofList) });
  return copy;
}

/** Counts the entries of nested lists and objects, `levels` deep. */
function countEntries(value: unknown, levels: number): number {
  if (typeof value !== "object" || value === null) return 0;
  const entries = Object.values(value);
  if (levels === 0) return entries.length;
  return entries.reduce((sum, entry) => sum + countEntries(entry, levels - 1), entries.length);
}

/** Counts the characters of a subschema's names and values, without those of other subschemas. */
function countCharacters(schema: JsonObject): number {
  return Object.entries(schema).reduce((sum, [key, value]) => {
    if (DATA.has(key)) return sum + JSON.stringify(value).length;
    if (MAPS.has(key) && isObject(value)) return sum + Object.keys(value).join("").length;
    return sum + key.length + (typeof value === "string" ? value.length : 0);
  }, 0);
}

/** Measures a value of any depth. */
function sizeOf(value: unknown): ValueSize {
  const size: ValueSize = { text: 0, list: 0, object: 0 };
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === "string") {
      size.text = Math.max(size.text, next.length / CHARACTERS_PER_STEP / 4);
    }
    if (typeof next !== "object" || next === null) continue;
    const values = Object.values(next);
    for (const item of values) rest.push(item);
    const entries = values.length / ENTRIES_PER_STEP;
    if (Array.isArray(next)) size.list = Math.max(size.list, entries);
    else {
      const names = Object.keys(next).join("").length / CHARACTERS_PER_STEP;
      size.object = Math.max(size.object, entries + names);
    }
  }
  return size;
}
