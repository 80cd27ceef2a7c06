/**
 * The places where the server's wire differs from OpenAI's document, as OpenAI's own does. These
 * are no differences, because the document allows further fields: `reasoning_content`, `reasoning`,
 * `steps`, `total_thinking_time`, `o1`, `usage.upstream`, the extra fields of a model, the fields of
 * a response that only Open Responses requires (`presence_penalty`, `frequency_penalty`, `store`,
 * `max_tool_calls: null`), and the nested `error` in an error event.
 *
 * @module
 */

export interface KnownDifference {
  /** A schema of the document and the path in it. */
  where: string;
  /** What the wire has there, and why the document does not allow it. */
  why: string;
  /** What the validator accepts. */
  allowed: string;
  /** The path in the extracted schemas, and what is accepted there as well. */
  loosen?: { at: string; also: object };
  /** JSON that the unchanged document rejects and the validator accepts. */
  sample?: { schema: string; json: unknown };
}

const CHUNK = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1770933883,
  model: "o1",
};
const CHOICE = { index: 0, delta: {}, logprobs: null, finish_reason: "stop" };
const NULLABLE = "the document marks it `nullable: true`, which OpenAPI 3.1 no longer has";
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
const APPROVAL = { type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true };

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    where: `${schema}.choices[].finish_reason`,
    why: `null in every chunk except the last; ${NULLABLE}`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: null }] } },
  },
  {
    where: `${schema}.choices[].logprobs`,
    why: `null unless they were requested; ${NULLABLE}`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [CHOICE] } },
  },
  {
    where: `${schema}.usage`,
    why: `null in every chunk except the last with include_usage; ${NULLABLE}, beside a $ref`,
    allowed: CONVERTED,
    sample: { schema, json: { ...CHUNK, choices: [], usage: null } },
  },
  {
    where: `${schema}, the frames of a stream`,
    why:
      "a failed stream ends with a frame {error} instead of a chunk, but the document describes only chunks",
    allowed: "a frame with `error` must be an ErrorResponse without `choices`, and the last frame",
    sample: {
      schema,
      json: { error: { message: "m", type: "server_error", param: null, code: null } },
    },
  },
  {
    where: `${schema}, between the frames`,
    why: "comments (`: keepalive`) and `data: [DONE]` are not JSON, and no schema describes them",
    allowed: "comments are skipped anywhere before [DONE], and [DONE] must be the end",
  },
  {
    where: "CreateChatCompletionResponse, before the object",
    why: "spaces keep the connection of a long answer alive; JSON allows them",
    allowed: "spaces around the JSON",
  },
  {
    where: "format: unixtime",
    why: "OpenAI's own format, which JSON Schema does not have",
    allowed: "a non-negative integer",
  },
  {
    where: "Response.user",
    why: "null if the request has none: Open Responses requires the key",
    allowed: "null beside the document's type",
    loosen: { at: "ModelResponseProperties.properties.user", also: NOTHING },
    sample: { schema: "Response", json: { ...RESPONSE, user: null } },
  },
  {
    where: "Response.usage",
    why: "null until the response has ended: OpenAI's streams send it in created and in_progress",
    allowed: "null beside the document's type",
    loosen: { at: "Response.allOf.2.properties.usage", also: NOTHING },
    sample: { schema: "Response", json: { ...RESPONSE, usage: null } },
  },
  {
    where: "Response.error.code",
    why:
      "server_shutdown: the server that made the response has stopped, which OpenAI never reports; the other codes are those to which Codex reacts",
    allowed: "the codes beside the document's",
    loosen: {
      at: "ResponseErrorCode",
      also: { enum: ["server_shutdown", "context_length_exceeded", "insufficient_quota"] },
    },
    sample: {
      schema: "Response",
      json: { ...RESPONSE, error: { code: "server_shutdown", message: "m" } },
    },
  },
  {
    where: "Response.tools",
    why: "the client's own, also those that are left out, which no model gets",
    allowed: "objects with a type beside the document's tools",
    loosen: { at: "Tool", also: { type: "object", required: ["type"] } },
    sample: { schema: "Response", json: { ...RESPONSE, tools: [{ type: "brand_new" }] } },
  },
  {
    where: "MCPApprovalResponseResource.request_id",
    why: "the document requires it and does not describe it; clients send `approval_request_id`",
    allowed: "the item without it",
    loosen: {
      at: "MCPApprovalResponseResource",
      also: {
        type: "object",
        required: ["type", "id", "approve", "approval_request_id"],
        properties: {
          type: { const: "mcp_approval_response" },
          id: { type: "string" },
          approve: { type: "boolean" },
          approval_request_id: { type: "string" },
        },
      },
    },
    sample: {
      schema: "ResponseItemList",
      json: {
        object: "list",
        data: [{ ...APPROVAL, id: "mcpa_1" }],
        has_more: false,
        first_id: "mcpa_1",
        last_id: "mcpa_1",
      },
    },
  },
  {
    where: "ResponseItemList.first_id",
    why: "null in an empty list, as OpenAI's API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ResponseItemList.properties.first_id", also: NOTHING },
    sample: {
      schema: "ResponseItemList",
      json: { object: "list", data: [], has_more: false, first_id: null, last_id: "i" },
    },
  },
  {
    where: "ResponseItemList.last_id",
    why: "null in an empty list, as OpenAI's API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ResponseItemList.properties.last_id", also: NOTHING },
  },
  {
    where: "ConversationItemList.first_id",
    why: "null in an empty list, as OpenAI's API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ConversationItemList.properties.first_id", also: NOTHING },
  },
  {
    where: "ConversationItemList.last_id",
    why: "null in an empty list, as OpenAI's API sends it",
    allowed: "null beside the document's type",
    loosen: { at: "ConversationItemList.properties.last_id", also: NOTHING },
  },
];
