/**
 * What a setting may be, in words.
 *
 * @module
 */

/** The part of a JSON Schema that zod's settings come to. */
export interface JsonSchema {
  /** The type, where there is one. */
  type?: string;
  /** A sentence for people. */
  description?: string;
  /** The value where none is given. */
  default?: unknown;
  /** Values to choose from. */
  enum?: unknown[];
  /** The only value. */
  const?: unknown;
  /** Alternatives. */
  anyOf?: JsonSchema[];
  /** The keys of an object. */
  properties?: Record<string, JsonSchema>;
  /** Keys that must be there. */
  required?: string[];
  /** What any other key holds; false: there is none. */
  additionalProperties?: JsonSchema | boolean;
  /** What a list holds. */
  items?: JsonSchema;
  /** Least number. */
  minimum?: number;
  /** Number that must be passed. */
  exclusiveMinimum?: number;
  /** Greatest number. */
  maximum?: number;
  /** Least length of a string. */
  minLength?: number;
  /** Least length of a list. */
  minItems?: number;
  /** What a string looks like. */
  pattern?: string;
  /** Anything else. */
  [keyword: string]: unknown;
}

/** Says what a schema allows, e.g. `a whole number from 0 to 65535`. */
export function expectation(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map(expectation))].join(" or ");
  }
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  switch (schema.type) {
    case "integer":
      return `a whole number${bounds(schema)}`;
    case "number":
      return `a number${bounds(schema)}`;
    case "boolean":
      return "true or false";
    case "string":
      return (schema.minLength ?? 0) > 0 ? "a text that is not empty" : "a text";
    case "array":
      return `a list${(schema.minItems ?? 0) > 0 ? ", not empty" : ""}`;
    case "object":
      return "a mapping (lines of 'key: value')";
    default:
      return "a value";
  }
}

function bounds({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  if (exclusiveMinimum !== undefined) {
    return ` above ${exclusiveMinimum}, at most ${maximum}`;
  }
  return minimum === undefined || maximum === undefined ? "" : ` from ${minimum} to ${maximum}`;
}

/** Says what a value is, without showing any text, as that may be a key. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return typeof value === "string" ? "a text" : String(value);
}

/** The keys that a mapping of this schema can hold. */
export function knownKeys(schema: JsonSchema | undefined): string[] {
  const options = schema?.anyOf ?? [schema];
  return options.flatMap((option) => Object.keys(option?.properties ?? {}));
}

/** The schema of what stands at a path, as far as it is known. */
export function schemaAt(
  schema: JsonSchema | undefined,
  path: readonly PropertyKey[],
): JsonSchema | undefined {
  const [segment, ...rest] = path;
  if (schema === undefined || segment === undefined) return schema;
  for (const option of schema.anyOf ?? [schema]) {
    const next = childSchema(option, segment);
    if (next !== undefined) return schemaAt(next, rest);
  }
  return undefined;
}

function childSchema(
  schema: JsonSchema,
  segment: PropertyKey,
): JsonSchema | undefined {
  if (typeof segment === "number") return schema.items;
  const { properties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, segment)) return properties[String(segment)];
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}
