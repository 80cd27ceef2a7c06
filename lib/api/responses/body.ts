/**
 * Bodies of Responses requests. Of the fields that are not named here, those that Chat Completions has
 * too are passed on to the upstream; the others are ignored.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses/create}
 */
import { z } from "zod";
import { EFFORTS } from "../../reasoning/effort.ts";
import { missingParameter, parseBody } from "../body.ts";
import { type ApiError, invalidRequest } from "../errors.ts";
import { givenSchema } from "../json_format.ts";
import { domains } from "../tools.ts";

const flag = z.boolean().nullish();
const text = z.string().nullish();

/** The fields of an item depend on its type, so they are checked where the item is read. */
const inputItem = z.looseObject({
  type: text,
  id: text,
  role: text,
  call_id: text,
  namespace: text,
});

const format = z.looseObject({
  type: z.enum(["text", "json_object", "json_schema"]),
  ...givenSchema.shape,
  name: givenSchema.shape.name.nullish(),
});

const approvalFilter = z.looseObject({ tool_names: z.array(z.string()).nullish() }).nullish();

/** Which calls of an MCP server's tools the client must approve. */
const requireApproval = z.union([
  z.enum(["always", "never"]),
  z.looseObject({ always: approvalFilter, never: approvalFilter }),
], { error: "'always', 'never' or an object with lists of tools" }).nullish();

const tool = z.looseObject({
  type: z.string(),
  name: text,
  description: text,
  parameters: z.looseObject({}).nullish(),
  strict: flag,
  format: z.looseObject({}).nullish(),
  filters: z.looseObject({ allowed_domains: domains, blocked_domains: domains }).nullish(),
  require_approval: requireApproval,
  /** The tools of a namespace. */
  get tools() {
    return z.array(tool).nullish();
  },
});

export type Tool = z.output<typeof tool>;

export const toolList = z.array(tool);

const summary = z.enum(["auto", "concise", "detailed"]).nullish();

const metadata = z.record(z.string(), z.string().max(512))
  .refine(
    (pairs) => Object.keys(pairs).every((key) => key.length <= 64),
    "expected keys of at most 64 characters",
  )
  .refine((pairs) => Object.keys(pairs).length <= 16, "expected at most 16 pairs")
  .nullish();

const inputItems = z.array(inputItem);

/** Body of the requests that create a conversation, update it, or add items to it. */
export const conversationBody = z.looseObject({
  metadata,
  items: inputItems.max(20).nullish(),
});

const chosenTool = z.looseObject({ type: z.string(), namespace: text });

/** Its other fields are options of the strategy. */
export const reasoningFields = z.looseObject({
  effort: z.enum(EFFORTS).nullish(),
  summary,
  generate_summary: summary,
  strategy: text,
  mode: text,
  context: z.enum(["auto", "current_turn", "all_turns"]).nullish(),
});

const responsesBody = z.looseObject({
  model: text,
  input: z.union([z.string(), inputItems], { error: "a string or an array of items" }).nullish(),
  instructions: text,
  stream: flag,
  max_output_tokens: z.number().int().min(16).nullish(),
  max_tool_calls: z.number().int().min(1).nullish(),
  reasoning: reasoningFields.nullish(),
  text: z.looseObject({ format: format.nullish(), verbosity: text }).nullish(),
  tools: z.array(tool).max(128).nullish(),
  tool_choice: z.union([
    z.string(),
    chosenTool.extend({ tools: z.array(chosenTool).nullish() }),
  ], { error: "a string or an object" }).nullish(),
  parallel_tool_calls: flag,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  context_management: z.array(z.looseObject({
    type: z.literal("compaction"),
    compact_threshold: z.number().int().min(1_000).nullish(),
  })).nullish(),
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

export type ResponsesBody = z.output<typeof responsesBody>;

/** An item of a conversation, as it goes over the wire. */
export type Item = Record<string, unknown> & { type: string; id?: string };

/** An item with its path in the request, e.g. `input[0]`, for error messages. */
export interface PlacedItem {
  item: Item;
  path: string;
}

/** @throws {ApiError} 400 naming the field that is missing or invalid. */
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
      "'background' needs 'store', because its result is fetched later.",
    );
  }
  const isContinued = body.conversation || body.previous_response_id;
  if (!isContinued && !body.input?.length) throw missingParameter("input");
  return body;
}

function unsupported(param: string, message: string): ApiError {
  return invalidRequest(param, message, "unsupported_parameter");
}
