import {
  type Capabilities,
  formatTypeFor,
  type Limit,
  type ResponseFormatType,
  samplesInOneCall,
  type UpstreamBody,
} from "../capabilities/capabilities.ts";
import {
  isSystemMessage,
  type JsonFormat,
  type UpstreamMessage,
  type UpstreamRequest,
} from "../target.ts";
import { adaptMessages } from "./messages.ts";

/**
 * Builds the body of one call as the upstream supports it.
 *
 * @param restore adds what the upstream wants back with tool calls, and removes what it does not.
 */
export function buildBody(
  model: string,
  request: UpstreamRequest,
  capabilities: Readonly<Capabilities>,
  restore: (message: UpstreamMessage) => UpstreamMessage,
): UpstreamBody {
  const { json, maxTokens, fields, wave } = request;
  const samples = samplesInOneCall(wave?.size ?? 1, capabilities);
  const format = json &&
    formatTypeFor(capabilities, json.schema !== undefined, fields.tools !== undefined);
  const messages = json?.inPrompt && !isDescribed(json, format)
    ? withFormatInPrompt(request.messages, json)
    : request.messages;
  const isStream = capabilities.streams === "optional"
    // The samples of a stream can be compared before all are complete.
    ? request.stream || samples > 1
    : capabilities.streams === "always";
  const body: UpstreamBody = {
    model,
    messages: adaptMessages(
      messages.map(restore),
      capabilities,
      fields.tools !== undefined,
    ),
    ...fields,
    ...(samples > 1 && { n: samples }),
    ...(isStream && { stream: true, stream_options: { include_usage: true } }),
    ...(json && format && { response_format: responseFormat(json, format) }),
  };
  for (const field of capabilities.rejectedFields) delete body[field];
  for (const [field, limit] of Object.entries(capabilities.limits)) {
    const value = body[field];
    if (typeof value === "number") body[field] = within(limit, value);
  }
  if (maxTokens !== undefined && capabilities.maxTokens !== "none") {
    body[capabilities.maxTokens] = within(capabilities.limits.max_tokens ?? {}, maxTokens);
  }
  return body;
}

function within({ min = -Infinity, max = Infinity }: Limit, value: number): number {
  return Math.max(min, Math.min(max, value));
}

/** Whether the response format alone describes to the model what to return. */
function isDescribed({ schema }: JsonFormat, format: ResponseFormatType | undefined): boolean {
  return format === "json_schema" || format === "json_object" && schema === undefined;
}

function responseFormat(
  { name, description, strict, schema }: JsonFormat,
  type: ResponseFormatType,
): UpstreamBody["response_format"] & object {
  if (type === "json_schema") return { type, json_schema: { name, description, strict, schema } };
  // OpenAI's json_object has no schema; llama.cpp reads one there, others ignore it.
  return { type, schema };
}

/** Adds a description of the format after the system messages at the start. */
function withFormatInPrompt(
  messages: readonly UpstreamMessage[],
  { schema }: JsonFormat,
): UpstreamMessage[] {
  const what = schema === undefined
    ? "one JSON object"
    : `one JSON value that is valid under this JSON Schema:\n${JSON.stringify(schema)}\n`;
  const content =
    `Your answer must be ${what} and nothing else: no code fence, no words around it.`;
  const first = messages.findIndex((message) => !isSystemMessage(message));
  return messages.toSpliced(first < 0 ? messages.length : first, 0, { role: "system", content });
}
