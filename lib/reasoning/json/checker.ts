/**
 * Checks that a text is JSON of the form that the client asked for.
 *
 * Schemas come from clients: the validator interprets them and generates no code. Patterns that
 * could run without end are ignored, and so is a check that takes too many steps.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import { isObject } from "../../json.ts";
import type { JsonFormat } from "../../upstream/target.ts";
import { findJson } from "./find_json.ts";
import { boundedSchema } from "./schema.ts";

/** The bare JSON text, or a description of what is wrong for the model. */
export type JsonCheck = { ok: true; json: string } | { ok: false; problem: string };

export type JsonChecker = (text: string) => JsonCheck;

const MAX_PROBLEMS = 5;

/** @throws {Error} if the schema is invalid, refers to itself without end or is too large. */
export function createJsonChecker(format: JsonFormat): JsonChecker {
  const problemOf = format.schema === undefined
    ? (value: unknown) => isObject(value) ? undefined : "It is not a JSON object."
    : createValidator(format.schema);
  return (text) => {
    const found = findJson(text);
    if (found === undefined) return { ok: false, problem: "It is not valid JSON." };
    const problem = problemOf(found.value);
    return problem === undefined ? { ok: true, json: found.json } : { ok: false, problem };
  };
}

function createValidator(given: unknown): (value: unknown) => string | undefined {
  const { schema, resetSteps } = boundedSchema(given);
  const validator = new Validator(schema as Schema, "2020-12", false);
  const validate = (value: unknown) => {
    resetSteps(value);
    return validator.validate(value);
  };
  // Throws for a schema that can't be followed even for an empty value.
  validate({});
  return (value) => {
    try {
      const { valid, errors } = validate(value);
      // The last errors are the innermost ones, which say most.
      return valid ? undefined : errors.slice(-MAX_PROBLEMS)
        .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join("\n");
    } catch {
      // The check took too many steps: accept the answer.
      return undefined;
    }
  };
}
