/**
 * The fields of a Messages request. Fields that are not named here are ignored.
 *
 * @see {@link https://docs.anthropic.com/en/api/messages}
 * @module
 */
import { z } from "zod";
import { parseBody } from "../responses/body.ts";

const block = z.looseObject({ type: z.string() });

const content = z.union([z.string(), z.array(block)], {
  error: "a string or an array of content blocks",
});

const count = z.number().int().min(1);

const tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string().regex(/^[\w.:/-]{1,128}$/, "expected 1 to 128 letters, digits, '_' or '-'")
    .nullish(),
  description: z.string().nullish(),
  input_schema: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});

const format = z.looseObject({
  type: z.literal("json_schema"),
  schema: z.looseObject({}),
});

const countedBody = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(
    z.looseObject({ role: z.enum(["user", "assistant", "system"]), content }),
  ).min(1),
  system: content.nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z.looseObject({
    type: z.enum(["auto", "any", "tool", "none"]),
    name: z.string().nullish(),
    disable_parallel_tool_use: z.boolean().nullish(),
  }).nullish(),
});

const messagesBody = countedBody.extend({
  max_tokens: count,
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  // Anthropic's own ends at 1; the upstream's may not.
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  thinking: z.looseObject({
    type: z.string(),
    budget_tokens: count.nullish(),
    display: z.string().nullish(),
  }).nullish(),
  output_config: z.looseObject({
    effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
    format: format.nullish(),
  }).nullish(),
  output_format: format.nullish(),
});

/**
 * A block of a message's content.
 *
 * @internal its type is for zod alone to say
 */
export type ContentBlock = z.output<typeof block>;

/**
 * What of a body makes the prompt.
 *
 * @internal its type is for zod alone to say
 */
export type CountedBody = z.output<typeof countedBody>;

/**
 * A body after validation.
 *
 * @internal its type is for zod alone to say
 */
export type MessagesBody = z.output<typeof messagesBody>;

/**
 * Checks the body of a request for a message.
 *
 * @throws {ApiError} 400 naming the field that is missing or wrong.
 * @internal the body's type is zod's
 */
export function readMessagesBody(json: unknown): MessagesBody {
  return parseBody(messagesBody, json);
}

/**
 * Checks the body of a request for a count, which needs no `max_tokens`.
 *
 * @throws {ApiError} 400 naming the field that is missing or wrong.
 * @internal the body's type is zod's
 */
export function readCountedBody(json: unknown): CountedBody {
  return parseBody(countedBody, json);
}
