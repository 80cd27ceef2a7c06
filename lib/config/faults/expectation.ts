/** The part of JSON Schema that settings use. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  then?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minLength?: number;
  minItems?: number;
  [keyword: string]: unknown;
}

/** Describes the values that a schema allows, such as `a whole number from 0 to 65535`. */
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
      return schema.minLength ? "a non-empty string" : "a string";
    case "array":
      return schema.minItems ? "a non-empty list" : "a list";
    case "object":
      return "a mapping (lines of 'key: value')";
    default:
      return "a value";
  }
}

function bounds({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  if (exclusiveMinimum !== undefined) {
    return ` greater than ${exclusiveMinimum}, at most ${maximum}`;
  }
  return minimum === undefined || maximum === undefined ? "" : ` from ${minimum} to ${maximum}`;
}
