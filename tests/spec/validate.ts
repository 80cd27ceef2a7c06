/**
 * Whether what the server writes is what OpenAI's own document describes.
 *
 * @module
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import schemas from "./openai.schemas.json" with { type: "json" };

/** What the server wrote is not what the document describes. */
export class InvalidWireError extends Error {
  /** The name of the class. */
  override readonly name = "InvalidWireError";
}

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictTypes: false });
ajv.addFormat("unixtime", {
  type: "number",
  validate: (seconds: number) => Number.isInteger(seconds) && seconds >= 0,
});
ajv.addFormat("date", /^\d{4}-\d{2}-\d{2}$/);
ajv.addFormat("uri", (text: string) => URL.canParse(text));
ajv.addSchema({ $schema: schemas.$schema, $defs: schemas.$defs }, "openai");

function validator(name: keyof typeof schemas.$defs): (json: unknown) => void {
  let validate: ValidateFunction | undefined;
  return (json) => {
    validate ??= ajv.compile({ $ref: `openai#/$defs/${name}` });
    if (validate(json)) return;
    throw new InvalidWireError(
      `No ${name}: ${ajv.errorsText(validate.errors, { dataVar: "" })}\n${JSON.stringify(json)}`,
    );
  };
}

/** Checks a whole completion. @throws {InvalidWireError} */
export const validateCompletion: (json: unknown) => void = validator(
  "CreateChatCompletionResponse",
);

/** Checks one chunk of a stream. @throws {InvalidWireError} */
export const validateChunk: (json: unknown) => void = validator(
  "CreateChatCompletionStreamResponse",
);

/** Checks the list of models. @throws {InvalidWireError} */
export const validateModelList: (json: unknown) => void = validator("ListModelsResponse");

/** Checks one model. @throws {InvalidWireError} */
export const validateModel: (json: unknown) => void = validator("Model");

/** Checks an error with all its four keys. @throws {InvalidWireError} */
export const validateError: (json: unknown) => void = validator("ErrorResponse");
