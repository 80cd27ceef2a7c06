import { z } from "zod";
import { createJsonChecker } from "../reasoning/json/checker.ts";
import type { JsonFormat } from "../reasoning/request.ts";
import { present } from "./body.ts";
import { invalidRequest } from "./errors.ts";

/** A schema for the answer, as both of OpenAI's dialects send it. */
export const givenSchema = z.looseObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, "expected 1 to 64 letters, digits, '_' or '-'"),
  description: z.string().nullish(),
  /** JSON Schema. Default: any JSON. */
  schema: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});

export const JSON_OBJECT: JsonFormat = { name: "json_object", inPrompt: true };

/**
 * @param field the body's field that holds the format, e.g. `response_format`.
 * @param path the path of the schema itself in the body.
 * @throws {ApiError} 400 for a schema that can't be used.
 */
export function jsonFormat(
  given: z.output<typeof givenSchema>,
  field: string,
  path: string,
): JsonFormat {
  const { name, schema, strict, description } = given;
  const json = { name, schema: schema ?? {}, inPrompt: true, ...present({ strict, description }) };
  try {
    createJsonChecker(json);
  } catch (error) {
    const reason = error instanceof RangeError
      ? "it refers to itself without end"
      : error instanceof Error
      ? error.message.split("\n", 1)[0]!.slice(0, 200)
      : "it can't be read";
    throw invalidRequest(path, `Invalid schema for ${field} '${name}': ${reason}.`);
  }
  return json;
}
