/**
 * The schema that a client wants the answer to follow.
 *
 * @module
 */
import { createJsonChecker } from "../reasoning/json/checker.ts";
import type { JsonFormat } from "../reasoning/request.ts";
import { invalidRequest } from "./errors.ts";

/** A schema as both of OpenAI's dialects give it. */
export interface GivenSchema {
  /** Its name. */
  name: string;
  /** The JSON Schema; default: any JSON. */
  schema?: Record<string, unknown> | null | undefined;
  /** Whether it has to be followed to the letter. */
  strict?: boolean | null | undefined;
  /** What it is for. */
  description?: string | null | undefined;
}

/** Any JSON object. */
export const JSON_OBJECT: JsonFormat = { name: "json_object", inWords: true };

/**
 * The format of a schema.
 *
 * @param field the body's field that holds it, e.g. `response_format`.
 * @param path the schema's own path in the body.
 * @throws {ApiError} 400 for a schema that can't be used.
 */
export function jsonFormat(given: GivenSchema, field: string, path: string): JsonFormat {
  const json: JsonFormat = {
    name: given.name,
    schema: given.schema ?? {},
    inWords: true,
    ...(typeof given.strict === "boolean" ? { strict: given.strict } : {}),
    ...(typeof given.description === "string" ? { description: given.description } : {}),
  };
  try {
    createJsonChecker(json);
  } catch (error) {
    const reason = error instanceof Error
      ? error.message.split("\n", 1)[0]!.slice(0, 200)
      : "it can't be read";
    throw invalidRequest(path, `Invalid schema for ${field} '${given.name}': ${reason}.`);
  }
  return json;
}
