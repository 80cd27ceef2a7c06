/**
 * The JSON Schema of config.yaml, for editors.
 *
 * @module
 */
import { z } from "zod";
import { strategies } from "../../reasoning/strategies/mod.ts";
import type { JsonSchema } from "./expectation.ts";
import { configSchema } from "./config.ts";

/** A text with a variable of the environment, whose type shows only when it is replaced. */
const REFERENCE: JsonSchema = { type: "string", pattern: "\\$\\{" };

/** What describes a value instead of restricting it. */
const ANNOTATIONS = ["description", "default", "examples"];

/** The schema of a whole configuration, with the strategies' own options. */
export function plainJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
  const models = schema.properties?.models?.additionalProperties;
  if (typeof models === "object" && models.properties?.options !== undefined) {
    models.properties.options = {
      ...models.properties.options,
      ...allOptions(),
    };
  }
  return schema;
}

/** The schema for editors: every number, boolean and choice may also be `${NAME}`. */
export function configJsonSchema(): JsonSchema {
  return {
    title: "o1-api configuration",
    ...admitReferences(plainJsonSchema()),
  };
}

/** The options of one strategy, by their names. */
export function strategyOptions(strategy: string): Record<string, JsonSchema> {
  const options = strategies[strategy]?.options;
  if (options === undefined) return {};
  return (z.toJSONSchema(options, { io: "input" }) as JsonSchema).properties ??
    {};
}

/** The options of all strategies in one object; which belong together, loading tells. */
function allOptions(): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const strategy of Object.keys(strategies)) {
    for (const [name, option] of Object.entries(strategyOptions(strategy))) {
      const described = {
        ...option,
        description: `${strategy}: ${option.description ?? ""}`,
      };
      const other = properties[name];
      properties[name] = other === undefined ? described : either(other, described);
    }
  }
  return { type: "object", properties, additionalProperties: false };
}

function either(first: JsonSchema, second: JsonSchema): JsonSchema {
  return {
    description: `${first.description} ${second.description}`,
    anyOf: [...(first.anyOf ?? [first]), second],
  };
}

function admitReferences(schema: JsonSchema): JsonSchema {
  const inner: JsonSchema = { ...schema };
  if (schema.properties !== undefined) {
    inner.properties = each(schema.properties);
  }
  if (typeof schema.additionalProperties === "object") {
    inner.additionalProperties = admitReferences(schema.additionalProperties);
  }
  if (schema.items !== undefined) inner.items = admitReferences(schema.items);
  if (schema.anyOf !== undefined) {
    inner.anyOf = schema.anyOf.map(admitReferences);
  }
  const typed = ["integer", "number", "boolean"].includes(schema.type ?? "");
  if (!typed && schema.enum === undefined && schema.pattern === undefined) {
    return inner;
  }
  const entries = Object.entries(inner);
  const isAnnotation = ([keyword]: [string, unknown]) => ANNOTATIONS.includes(keyword);
  return {
    ...Object.fromEntries(entries.filter(isAnnotation)),
    anyOf: [
      Object.fromEntries(entries.filter((entry) => !isAnnotation(entry))),
      REFERENCE,
    ],
  };
}

function each(
  properties: Record<string, JsonSchema>,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map((
      [name, schema],
    ) => [name, admitReferences(schema)]),
  );
}
