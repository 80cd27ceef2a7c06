/**
 * Whether what the server writes is what OpenAI's own document describes.
 *
 * @module
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { KNOWN_DIFFERENCES } from "./differences.ts";
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
ajv.addSchema({ $schema: schemas.$schema, $defs: loosened() }, "openai");

/** The schemas of the document, which take what is listed as a known difference as well. */
function loosened(): object {
  const defs = structuredClone(schemas.$defs);
  for (const { loosen } of KNOWN_DIFFERENCES) {
    if (loosen === undefined) continue;
    const path = loosen.at.split(".");
    const last = path.pop()!;
    // deno-lint-ignore no-explicit-any -- any place of any schema
    const place = path.reduce<any>((json, key) => json[key], defs);
    if (place?.[last] === undefined) throw new Error(`The document has no ${loosen.at}.`);
    place[last] = { anyOf: [place[last], loosen.also] };
  }
  return defs;
}

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

/** Checks a response. @throws {InvalidWireError} */
export const validateResponse: (json: unknown) => void = validator("Response");

/** Checks one event of a response's stream. @throws {InvalidWireError} */
export const validateResponseEvent: (json: unknown) => void = validator("ResponseStreamEvent");

/** Checks a list of a response's input items. @throws {InvalidWireError} */
export const validateInputItems: (json: unknown) => void = validator("ResponseItemList");

/** Checks a count of tokens. @throws {InvalidWireError} */
export const validateTokenCount: (json: unknown) => void = validator("TokenCountsResource");

/** Checks a conversation. @throws {InvalidWireError} */
export const validateConversation: (json: unknown) => void = validator("ConversationResource");

/** Checks what is left of a conversation. @throws {InvalidWireError} */
export const validateDeletedConversation: (json: unknown) => void = validator(
  "DeletedConversationResource",
);

/** Checks a list of a conversation's items. @throws {InvalidWireError} */
export const validateConversationItems: (json: unknown) => void = validator(
  "ConversationItemList",
);

/** Checks an item of a conversation. @throws {InvalidWireError} */
export const validateConversationItem: (json: unknown) => void = validator("ConversationItem");

/** Checks what is left of a response, which the document does not describe. */
export function validateDeletedResponse(json: unknown): void {
  const { id, object, deleted } = json as Record<string, unknown>;
  if (typeof id === "string" && object === "response" && deleted === true) return;
  throw new InvalidWireError(`No deleted response: ${JSON.stringify(json)}`);
}
