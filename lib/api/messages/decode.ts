/**
 * The body of a Messages request in, the internal request out.
 *
 * @module
 */
import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import type { ChatBody } from "../chat/body.ts";
import { readTools, type Tools } from "../chat/tools.ts";
import { type ApiError, invalidRequest } from "../errors.ts";
import { jsonFormat } from "../json_format.ts";
import type { CountedBody, MessagesBody } from "./body.ts";
import { readConversation } from "./conversation.ts";

/** What is seen of the thinking: nothing, a signature alone, or all of it. */
export type ThinkingDisplay = "none" | "omitted" | "shown";

/** A decoded request. */
export interface MessagesRequest {
  /** What to reason about, and how. */
  reasoning: ReasoningRequest;
  /** What is seen of the thinking: only who asks for it gets any. */
  thinking: ThinkingDisplay;
}

/** What goes with a body. */
export interface MessagesContext {
  /** The private thinking that a signature brings back; nothing for one that is not ours. */
  thinkingOf?: (signature: string) => string | undefined;
  /** A strategy chosen by a header. */
  strategy?: string | undefined;
}

/**
 * Decodes a body.
 *
 * @throws {ApiError} 400 naming the field that is wrong.
 * @internal the body's type is zod's
 */
export function decodeMessagesRequest(
  body: MessagesBody,
  { thinkingOf, strategy }: MessagesContext = {},
): MessagesRequest {
  const messages = readConversation(body, thinkingOf);
  if (!messages.some(({ role }) => role === "user" || role === "tool")) {
    throw invalidRequest("messages", "Invalid value for 'messages': no user says anything.");
  }
  if (body.messages.at(-1)!.role === "assistant") throw noPrefill();
  const { thinking } = body;
  const isOff = thinking?.type === "disabled";
  const effort = isOff ? "none" : body.output_config?.effort ?? undefined;
  const budget = isOff ? undefined : thinking?.budget_tokens ?? undefined;
  const json = answerFormat(body);
  return {
    reasoning: {
      messages,
      stream: body.stream === true,
      maxTokens: body.max_tokens,
      final: finalFields(body),
      ...(effort === undefined ? {} : { effort }),
      ...(budget === undefined ? {} : { thinkingTokens: budget }),
      ...(strategy === undefined ? {} : { strategy }),
      ...(json === undefined ? {} : { json }),
    },
    thinking: !thinking || isOff ? "none" : thinking.display === "omitted" ? "omitted" : "shown",
  };
}

function finalFields(body: MessagesBody): FinalCallFields {
  const { temperature, top_p, stop_sequences: stop } = body;
  const tools = readToolList(body);
  return {
    ...(typeof temperature === "number" ? { temperature } : {}),
    ...(typeof top_p === "number" ? { top_p } : {}),
    ...(stop?.length ? { stop } : {}),
    ...tools,
    ...(tools.tools !== undefined && body.tool_choice?.disable_parallel_tool_use
      ? { parallel_tool_calls: false }
      : {}),
  };
}

/**
 * The tools of a body, as they go upstream.
 *
 * @throws {ApiError} 400 for a tool that only Anthropic's own servers or models have.
 * @internal the body's type is zod's
 */
export function readToolList({ tools, tool_choice: choice }: CountedBody): Tools {
  const list = (tools ?? []).map((tool, index) => {
    const { type, name, description, input_schema: parameters, strict } = tool;
    if (!parameters && type && type !== "custom") throw unknownTool(type, index);
    if (!name) throw missing(`tools[${index}].name`);
    if (!parameters) throw missing(`tools[${index}].input_schema`);
    const rest = Object.entries({ description, parameters, strict })
      .filter(([, value]) => value !== null && value !== undefined);
    return { type: "function", function: { name, ...Object.fromEntries(rest) } };
  });
  return readTools({ tools: list, tool_choice: choiceOf(choice) } as ChatBody);
}

function choiceOf(choice: CountedBody["tool_choice"]): unknown {
  switch (choice?.type) {
    case undefined:
      return undefined;
    case "any":
      return "required";
    case "tool":
      if (!choice?.name) throw missing("tool_choice.name");
      return { type: "function", function: { name: choice.name } };
    default:
      return choice?.type;
  }
}

function answerFormat(body: MessagesBody): JsonFormat | undefined {
  const field = body.output_config?.format ? "output_config.format" : "output_format";
  const format = body.output_config?.format ?? body.output_format;
  if (!format) return undefined;
  return jsonFormat(
    { name: "answer", schema: format.schema, strict: true },
    field,
    `${field}.schema`,
  );
}

function missing(param: string): ApiError {
  return invalidRequest(
    param,
    `Missing required parameter: '${param}'.`,
    "missing_required_parameter",
  );
}

function unknownTool(type: string, index: number): ApiError {
  return invalidRequest(
    `tools[${index}].type`,
    `Tools of the type '${
      type.slice(0, 60)
    }' are not supported. Describe the tool by an input_schema of its own.`,
  );
}

/** A strategy writes an answer of its own; Anthropic's newer models refuse it in these words. */
function noPrefill(): ApiError {
  return invalidRequest(
    "messages",
    "This model does not support assistant message prefill. The conversation must end with a user message.",
  );
}
