/**
 * Where the real wire differs from OpenAI's document, in one table. What the server adds of its
 * own (`reasoning_content`, `reasoning`, `steps`, `total_thinking_time`, `o1`, `usage.upstream`,
 * a model's extras) is no difference: the document closes none of the objects that it stands in.
 * Nor are the keys of a response that Open Responses requires and the document lacks
 * (`presence_penalty`, `frequency_penalty`, `store`, `max_tool_calls: null`), and the nested
 * `error` in an error event, which real streams have and the document has not.
 *
 * @module
 */

/** One place where the real wire is not what the document says. */
export interface KnownDifference {
  /** The place: a schema of the document and the path in it. */
  where: string;
  /** What the real wire has there, and why the document does not say so. */
  why: string;
  /** How the validator takes it. */
  allowed: string;
  /** The place in the extracted schemas, and what is taken there as well. */
  loosen?: { at: string; also: object };
  /** A JSON that shows it: the document as it stands refuses it, the validator takes it. */
  sample?: { schema: string; json: unknown };
}

const CHUNK = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1770933883,
  model: "o1",
};
const CHOICE = { index: 0, delta: {}, logprobs: null, finish_reason: "stop" };
const NULLABLE = "the document marks it `nullable: true`, which OpenAPI 3.1 no longer knows";
const CONVERTED = "extract.ts turns `nullable: true` into `anyOf: [..., {type: null}]`";
const schema = "CreateChatCompletionStreamResponse";

const RESPONSE = {
  id: "resp_1",
  object: "response",
  created_at: 1765591383,
  error: null,
  incomplete_details: null,
  instructions: null,
  model: "o1",
  tools: [],
  output: [],
  parallel_tool_calls: true,
  metadata: {},
  tool_choice: "auto",
  temperature: 1,
  top_p: 1,
};
const NOTHING = { type: "null" };

/** Each place where the real wire differs from the document. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    where: `${schema}.choices[].finish_reason`,
    why: `null in every chunk but the last; ${NULLABLE}`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: null }] } },
  },
  {
    where: `${schema}.choices[].logprobs`,
    why: `null where nobody asked for them; ${NULLABLE}`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [CHOICE] } },
  },
  {
    where: `${schema}.usage`,
    why: `null in every chunk but the last with include_usage; ${NULLABLE}, beside a $ref`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [], usage: null } },
  },
  {
    where: `${schema}, the frames of a stream`,
    why:
      "a stream that fails ends with a frame {error} in place of a chunk: the document describes chunks only",
    allowed: "a frame with `error` has to be an ErrorResponse without `choices`, and the last one",
    sample: {
      schema,
      json: { error: { message: "m", type: "server_error", param: null, code: null } },
    },
  },
  {
    where: `${schema}, between the frames`,
    why: "comments (`: keepalive`) and `data: [DONE]` are no JSON, and no schema speaks of them",
    allowed: "comments are skipped anywhere before [DONE], and [DONE] has to be the end",
  },
  {
    where: "CreateChatCompletionResponse, before the object",
    why: "spaces that keep the connection of a long answer alive; JSON allows them",
    allowed: "the body is parsed as JSON, so that spaces around it do not matter",
  },
  {
    where: "format: unixtime",
    why: "a format of OpenAI's own, which JSON Schema does not know",
    allowed: "whole seconds, not negative",
  },
  {
    where: "Response.user",
    why: "null where the request has none: Open Responses requires the key",
    allowed: "null beside the document's type",
    loosen: { at: "ModelResponseProperties.properties.user", also: NOTHING },
    sample: { schema: "Response", json: { ...RESPONSE, user: null } },
  },
  {
    where: "Response.usage",
    why: "null until the response is over: real streams send it in created and in_progress",
    allowed: "null beside the document's type",
    loosen: { at: "Response.allOf.2.properties.usage", also: NOTHING },
    sample: { schema: "Response", json: { ...RESPONSE, usage: null } },
  },
  {
    where: "Response.error.code",
    why: "server_shutdown: the server that made the response has stopped, and nobody else says so",
    allowed: "the code beside the document's",
    loosen: { at: "ResponseErrorCode", also: { const: "server_shutdown" } },
    sample: {
      schema: "Response",
      json: { ...RESPONSE, error: { code: "server_shutdown", message: "m" } },
    },
  },
  {
    where: "ResponseItemList.first_id",
    why: "null in an empty list, as the real API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ResponseItemList.properties.first_id", also: NOTHING },
    sample: {
      schema: "ResponseItemList",
      json: { object: "list", data: [], has_more: false, first_id: null, last_id: "i" },
    },
  },
  {
    where: "ResponseItemList.last_id",
    why: "null in an empty list, as the real API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ResponseItemList.properties.last_id", also: NOTHING },
  },
  {
    where: "ConversationItemList.first_id",
    why: "null in an empty list, as the real API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ConversationItemList.properties.first_id", also: NOTHING },
  },
  {
    where: "ConversationItemList.last_id",
    why: "null in an empty list, as the real API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ConversationItemList.properties.last_id", also: NOTHING },
  },
];
