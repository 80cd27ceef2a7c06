/**
 * The fields of a Responses request. Fields that are not named here are ignored.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses/create}
 * @module
 */
import { z } from "zod";
import { EFFORTS } from "../../reasoning/effort.ts";
import { type ApiError, invalidRequest } from "../errors.ts";
import { requestFault } from "../request_fault.ts";

const flag = z.boolean().nullish();
const text = z.string().nullish();

const parts = z.array(z.looseObject({ type: z.string() }));
const content = z.union([z.string(), parts], { error: "a string or an array of content parts" })
  .nullish();

const inputItem = z.looseObject({
  type: text,
  id: text,
  role: z.enum(["user", "assistant", "system", "developer"]).nullish(),
  content,
  call_id: text,
  name: text,
  arguments: text,
  output: content,
  encrypted_content: text,
});

const format = z.looseObject({
  type: z.enum(["text", "json_object", "json_schema"]),
  name: z.string().regex(/^[\w.-]{1,64}$/, "expected 1 to 64 letters, digits, '_' or '-'")
    .nullish(),
  description: text,
  schema: z.looseObject({}).nullish(),
  strict: flag,
});

const summary = z.enum(["auto", "concise", "detailed"]).nullish();

const metadata = z.record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, "expected at most 16 pairs")
  .nullish();

const inputItems = z.array(inputItem);

/**
 * Schema of the bodies that make a conversation, change it, or add to it.
 *
 * @internal its type is for zod alone to say
 */
export const conversationBody = z.looseObject({
  metadata,
  items: inputItems.max(20).nullish(),
});

/**
 * Schema of the body.
 *
 * @internal its type is for zod alone to say
 */
export const responsesBody = z.looseObject({
  model: text,
  input: z.union([z.string(), inputItems], { error: "a string or an array of items" }).nullish(),
  instructions: text,
  stream: flag,
  max_output_tokens: z.number().int().min(16).nullish(),
  max_tool_calls: z.number().int().min(1).nullish(),
  reasoning: z.looseObject({
    effort: z.enum(EFFORTS).nullish(),
    summary,
    generate_summary: summary,
    strategy: text,
  }).nullish(),
  text: z.looseObject({ format: format.nullish(), verbosity: text }).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).max(128).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })], {
    error: "a string or an object",
  }).nullish(),
  parallel_tool_calls: flag,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  previous_response_id: text,
  conversation: z.union([z.string(), z.looseObject({ id: z.string() })], {
    error: "an id or an object with an id",
  }).nullish(),
  store: flag,
  background: flag,
  metadata,
  include: z.array(z.string()).nullish(),
  user: text,
  safety_identifier: text,
  prompt_cache_key: text,
  prompt_cache_retention: text,
  service_tier: text,
});

/**
 * A body after validation.
 *
 * @internal its type is for zod alone to say
 */
export type ResponsesBody = z.output<typeof responsesBody>;

/** An item of a conversation, as it goes over the wire. */
export type Item = Record<string, unknown> & { type: string; id?: string };

/**
 * Reads the JSON of a body.
 *
 * @throws {ApiError} 400 naming the field that is missing or wrong.
 * @internal the body's type is zod's
 */
export function readResponsesBody(json: unknown): ResponsesBody {
  const body = parseBody(responsesBody, json);
  if (body.prompt) throw unsupported("prompt", "Stored prompts are not supported: send the text.");
  if (body.conversation && body.previous_response_id) {
    throw unsupported(
      "previous_response_id",
      "'previous_response_id' can't be used together with 'conversation'. Send one of them.",
    );
  }
  if (body.background && body.store === false) {
    throw unsupported(
      "background",
      "'background' needs 'store', since its result is fetched later.",
    );
  }
  const isContinued = Boolean(body.conversation || body.previous_response_id);
  if (
    !isContinued && (body.input === null || body.input === undefined || body.input.length === 0)
  ) {
    throw invalidRequest(
      "input",
      "Missing required parameter: 'input'.",
      "missing_required_parameter",
    );
  }
  return body;
}

/**
 * Checks a body against a schema.
 *
 * @throws {ApiError} 400 for the first fault.
 * @internal the schema's type is zod's
 */
export function parseBody<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw requestFault(parsed.error.issues[0]!, json);
}

function unsupported(param: string, message: string): ApiError {
  return invalidRequest(param, message, "unsupported_parameter");
}
