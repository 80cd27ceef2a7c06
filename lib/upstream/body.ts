/**
 * The JSON body of an upstream call, in the way the upstream is known to take it.
 *
 * @module
 */
import type { Capabilities, Used } from "./capabilities.ts";
import type { UpstreamMessage, UpstreamRequest } from "./target.ts";

const isSystem = (message: UpstreamMessage) =>
  message.role === "system" || message.role === "developer";

/** A body to send, and which optional things it holds. */
export interface UpstreamBody {
  /** The JSON text. */
  json: string;
  /** What an upstream may refuse in it. */
  used: Used;
}

/** Builds the body of one call. */
export function buildBody(
  model: string,
  request: UpstreamRequest,
  capabilities: Readonly<Capabilities>,
  restoreReasoning: (message: UpstreamMessage) => UpstreamMessage,
): UpstreamBody {
  const body: Record<string, unknown> = { model };
  body.messages = messagesFor(request.messages, capabilities).map((message) =>
    capabilities.toolReasoning ? restoreReasoning(message) : withoutReasoning(message)
  );
  const used: Used = {
    schema: false,
    maxTokens: false,
    streamOptions: false,
    manySystemMessages: capabilities.manySystemMessages &&
      request.messages.filter(isSystem).length > 1,
    developerRole: capabilities.developerRole &&
      request.messages.some((message) => message.role === "developer"),
    toolCalls: request.messages.some((message) => message.tool_calls !== undefined),
  };
  Object.assign(body, request.fields);
  if (request.stream) {
    body.stream = true;
    if (capabilities.streamOptions) {
      body.stream_options = { include_usage: true };
      used.streamOptions = true;
    }
  }
  if (request.maxTokens !== undefined && capabilities.maxTokens !== "none") {
    body[capabilities.maxTokens] = request.maxTokens;
    used.maxTokens = true;
  }
  if (request.schema !== undefined && capabilities.responseFormat !== "none") {
    body.response_format = responseFormat(
      request.schema,
      capabilities.responseFormat,
    );
    used.schema = true;
  }
  return { json: JSON.stringify(body), used };
}

function responseFormat(
  { name, schema }: { name: string; schema: Record<string, unknown> },
  kind: "json_schema" | "json_object",
): Record<string, unknown> {
  if (kind === "json_schema") {
    return { type: "json_schema", json_schema: { name, strict: true, schema } };
  }
  // OpenAI's json_object has no schema; llama.cpp reads one there, others do not mind it.
  return { type: "json_object", schema };
}

function messagesFor(
  messages: readonly UpstreamMessage[],
  capabilities: Readonly<Capabilities>,
): UpstreamMessage[] {
  let out = [...messages];
  if (!capabilities.developerRole) {
    out = out.map((message) =>
      message.role === "developer" ? { ...message, role: "system" } : message
    );
  }
  if (capabilities.manySystemMessages) return out;
  const system = out.filter(isSystem);
  if (system.length < 2) return out;
  const content = system.map((message) => contentText(message.content)).join(
    "\n\n",
  );
  return [
    { ...system[0]!, content },
    ...out.filter((message) => !isSystem(message)),
  ];
}

function withoutReasoning(message: UpstreamMessage): UpstreamMessage {
  if (message.reasoning_content === undefined) return message;
  const { reasoning_content: _, ...rest } = message;
  return rest;
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => typeof part?.text === "string" ? part.text : "")
    .join("\n");
}
