import {
  type Capabilities,
  formatTypeFor,
  type ResponseFormatType,
  type UpstreamBody,
} from "../capabilities/capabilities.ts";
import {
  contentText,
  isSystemMessage,
  type JsonFormat,
  type UpstreamMessage,
  type UpstreamRequest,
} from "../target.ts";

/**
 * Builds the body of one call as the upstream supports it.
 *
 * @param restoreReasoning adds the reasoning of tool calls; without it, none is sent.
 */
export function buildBody(
  model: string,
  request: UpstreamRequest,
  capabilities: Readonly<Capabilities>,
  restoreReasoning?: (message: UpstreamMessage) => UpstreamMessage,
): UpstreamBody {
  const { json, maxTokens } = request;
  const format = json && formatTypeFor(capabilities, json.schema !== undefined);
  const messages = json?.inPrompt && !isDescribed(json, format)
    ? withFormatInPrompt(request.messages, json)
    : request.messages;
  return {
    model,
    messages: supportedRoles(messages, capabilities)
      .map(restoreReasoning ?? withoutReasoning),
    ...request.fields,
    ...(request.stream && { stream: true }),
    ...(request.stream && capabilities.streamOptions &&
      { stream_options: { include_usage: true } }),
    ...(maxTokens !== undefined && capabilities.maxTokens !== "none" &&
      { [capabilities.maxTokens]: maxTokens }),
    ...(json && format && { response_format: responseFormat(json, format) }),
  };
}

/** Whether the response format alone tells the model what to return. */
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

function supportedRoles(
  messages: readonly UpstreamMessage[],
  capabilities: Readonly<Capabilities>,
): readonly UpstreamMessage[] {
  const supported = capabilities.developerRole
    ? messages
    : messages.map((message) =>
      message.role === "developer" ? { ...message, role: "system" } : message
    );
  const system = supported.filter(isSystemMessage);
  if (capabilities.manySystemMessages || system.length < 2) return supported;
  const content = system.map((message) => contentText(message.content)).join("\n\n");
  return [{ ...system[0]!, content }, ...supported.filter((message) => !isSystemMessage(message))];
}

function withoutReasoning(message: UpstreamMessage): UpstreamMessage {
  if (message.reasoning_content === undefined) return message;
  const { reasoning_content: _, ...rest } = message;
  return rest;
}
