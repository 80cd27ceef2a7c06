import { z } from "zod";
import { modifierOptions } from "../../reasoning/modifiers.ts";
import type { Strategy, StrategyTable } from "../../reasoning/strategy.ts";

/** How a form shows a field of a request's `reasoning`: a part of its JSON Schema. */
export interface OptionField {
  type: "integer" | "number" | "boolean" | "string";
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

const KEYWORDS = ["type", "description", "default", "minimum", "maximum", "enum"] as const;

/**
 * Returns the numbers, switches and choices that requests can set for each strategy, by name. Other
 * options, which a strategy of the operator may have, are left out.
 *
 * @param maxSamples maximum for the number of samples.
 */
export function optionFields(
  table: StrategyTable,
  maxSamples: number,
): Record<string, Record<string, OptionField>> {
  return Object.fromEntries(
    Object.entries(table).map(([name, entry]) => {
      const { re2, wait } = modifierOptions.shape;
      const thinks = name !== "direct";
      const followsUp = "route" in entry || (entry as Strategy).followUps !== undefined;
      const fields = {
        ...fieldsOf(entry.options),
        ...fieldsOf(z.object({ ...(thinks && { re2 }), ...(followsUp && { wait }) })),
      };
      for (const option of (entry as Strategy).sampleOptions ?? []) {
        const field = fields[option];
        if (field !== undefined) field.maximum = Math.min(field.maximum ?? Infinity, maxSamples);
      }
      return [name, fields];
    }),
  );
}

function fieldsOf(options: z.ZodObject): Record<string, OptionField> {
  const { properties = {} } = z.toJSONSchema(options, { io: "input", unrepresentable: "any" });
  return Object.fromEntries(
    Object.entries(properties as Record<string, OptionField>).filter(([, { type, ...field }]) =>
      ["integer", "number", "boolean"].includes(type) || field.enum !== undefined
    ).map(([name, schema]) => [
      name,
      Object.fromEntries(
        KEYWORDS.map((keyword) => [keyword, schema[keyword]]),
      ) as unknown as OptionField,
    ]),
  );
}
