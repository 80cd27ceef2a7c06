/**
 * Body of a Chat Completions request. Fields that are not named here are passed on to the upstream,
 * unless `upstream_fields.ts` withholds them.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/chat/create}
 */
import { z } from "zod";
import { EFFORTS } from "../../reasoning/effort.ts";
import { FORMATS } from "../formats/format.ts";
import { givenSchema } from "../json_format.ts";

const part = z.looseObject({ type: z.string() });

const message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z.union([z.string(), z.array(part)], { error: "a string or an array of content parts" })
    .nullish(),
  tool_calls: z.array(z.looseObject({ function: z.looseObject({}).optional() })).nullish(),
  function_call: z.looseObject({ name: z.string() }).nullish(),
  tool_call_id: z.string().nullish(),
  name: z.string().nullish(),
});

const functionTool = z.looseObject({
  name: z.string().regex(/^[\w.:/-]{1,64}$/, "expected 1 to 64 letters, digits, '_' or '-'"),
  description: z.string().nullish(),
  parameters: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});

const tool = z.looseObject({ type: z.string(), function: functionTool.nullish() });

const responseFormat = z.looseObject({
  type: z.enum(["text", "json_object", "json_schema"]),
  json_schema: givenSchema.nullish(),
});

const count = z.number().int().min(1).nullish();
const flag = z.boolean().nullish();
const effort = z.enum([...EFFORTS, ""]).nullish();
const choice = z.union([z.string(), z.looseObject({})], { error: "a string or an object" })
  .nullish();

/** Its other fields are options of the strategy. */
export const reasoningFields = z.looseObject({
  effort,
  max_tokens: count,
  exclude: flag,
  enabled: flag,
  events: flag,
  calls: flag,
  strategy: z.string().nullish(),
  // Of the Responses API; they have no effect here.
  summary: z.unknown().optional(),
  generate_summary: z.unknown().optional(),
});

export const chatBody = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(message).min(1),
  stream: flag,
  stream_options: z.looseObject({ include_usage: flag }).nullish(),
  max_tokens: count,
  max_completion_tokens: count,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  n: z.number().int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string())], { error: "a string or an array of strings" })
    .nullish(),
  tools: z.array(tool).max(128).nullish(),
  tool_choice: choice,
  parallel_tool_calls: flag,
  functions: z.array(functionTool).max(128).nullish(),
  function_call: choice,
  response_format: responseFormat.nullish(),
  modalities: z.array(z.string()).nullish(),
  reasoning_effort: effort,
  reasoning: reasoningFields.nullish(),
  thinking: z.looseObject({ type: z.string().nullish(), budget_tokens: count }).nullish(),
  enable_thinking: flag,
  thinking_budget: count,
  chat_template_kwargs: z.looseObject({ enable_thinking: flag, thinking: flag }).nullish(),
  include_reasoning: flag,
  reasoning_format: z.enum(["parsed", "raw", ...FORMATS]).nullish(),
});

export type ChatBody = z.output<typeof chatBody>;
