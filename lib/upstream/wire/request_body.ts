/**
 * The JSON body of an upstream call, in the way the upstream is known to take it.
 *
 * @module
 */
import {
  type Capabilities,
  formatTypeFor,
  type ResponseFormatType,
  type Used,
} from "../capabilities.ts";
import type { JsonFormat, UpstreamMessage, UpstreamRequest } from "../target.ts";

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
  const messages = withWords(request, capabilities);
  body.messages = messagesFor(messages, capabilities).map((message) =>
    capabilities.toolReasoning ? restoreReasoning(message) : withoutReasoning(message)
  );
  const used: Used = {
    format: undefined,
    maxTokens: false,
    streamOptions: false,
    manySystemMessages: capabilities.manySystemMessages &&
      messages.filter(isSystem).length > 1,
    developerRole: capabilities.developerRole &&
      messages.some((message) => message.role === "developer"),
    toolCalls: messages.some((message) => message.tool_calls !== undefined),
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
  if (request.json !== undefined) {
    const type = formatTypeFor(capabilities, request.json.schema !== undefined);
    if (type !== undefined) body.response_format = responseFormat(request.json, type);
    used.format = type;
  }
  return { json: JSON.stringify(body), used };
}

function responseFormat(json: JsonFormat, type: ResponseFormatType): Record<string, unknown> {
  const { name, schema, strict, description } = json;
  if (type === "json_schema") {
    return {
      type,
      json_schema: {
        name,
        ...(description === undefined ? {} : { description }),
        ...(strict === undefined ? {} : { strict }),
        schema,
      },
    };
  }
  // OpenAI's json_object has no schema; llama.cpp reads one there, others do not mind it.
  return schema === undefined ? { type } : { type, schema };
}

/** Asks for JSON in words: a mode without a schema does not know it, and no mode knows nothing. */
function jsonInWords(json: JsonFormat): UpstreamMessage {
  const what = json.schema === undefined
    ? "one JSON object"
    : `one JSON value that is valid under this JSON Schema:\n${JSON.stringify(json.schema)}\n`;
  return {
    role: "system",
    content: `Your answer must be ${what} and nothing else: no code fence, no words around it.`,
  };
}

/** The conversation with what is asked in words, behind the system messages at its head. */
function withWords(
  request: UpstreamRequest,
  capabilities: Readonly<Capabilities>,
): UpstreamMessage[] {
  const messages = [...request.messages];
  const { json } = request;
  if (json === undefined || !json.inWords) return messages;
  const type = formatTypeFor(capabilities, json.schema !== undefined);
  if (type === "json_schema" || (type === "json_object" && json.schema === undefined)) {
    return messages;
  }
  const at = messages.findIndex((message) => !isSystem(message));
  messages.splice(at < 0 ? messages.length : at, 0, jsonInWords(json));
  return messages;
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
