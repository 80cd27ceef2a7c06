import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import { checkStops, invalidValue, missingParameter, present } from "../body.ts";
import { invalidRequest } from "../errors.ts";
import { jsonFormat } from "../json_format.ts";
import { type FunctionTool, type ToolChoice, type ToolFields, toolFields } from "../tools.ts";
import { sharedFields } from "../upstream_fields.ts";
import type { MessagesBody, PromptBody } from "./body.ts";
import { readConversation } from "./conversation.ts";

/** How much of the thinking the client sees; with `omitted`, only its signature. */
export type ThinkingDisplay = "none" | "omitted" | "shown";

export interface MessagesRequest {
  reasoning: ReasoningRequest;
  thinking: ThinkingDisplay;
}

export interface MessagesContext {
  /** Returns the private thinking behind a signature, unless the signature is not ours. */
  thinkingOf?: (signature: string) => string | undefined;
  /** The strategy from the request's headers. */
  strategy?: string | undefined;
}

/** @throws {ApiError} 400 naming the invalid field. */
export function decodeMessagesRequest(
  body: MessagesBody,
  { thinkingOf, strategy }: MessagesContext = {},
): MessagesRequest {
  const messages = readConversation(body, thinkingOf);
  if (!messages.some(({ role }) => role === "user" || role === "tool")) {
    throw invalidValue("messages", "there is no user message");
  }
  const { thinking } = body;
  const isOff = thinking?.type === "disabled";
  return {
    reasoning: {
      messages,
      stream: body.stream === true,
      maxCallTokens: body.max_tokens,
      final: finalFields(body),
      ...present({
        effort: isOff ? "none" as const : body.output_config?.effort,
        thinkingTokens: isOff ? undefined : thinking?.budget_tokens,
        strategy,
        json: answerFormat(body),
        upstreamFields: sharedFields(body, { reasoning_effort: body.output_config?.effort }),
      }),
    },
    thinking: !thinking || isOff ? "none" : thinking.display === "omitted" ? "omitted" : "shown",
  };
}

function finalFields(body: MessagesBody): FinalCallFields {
  const { temperature, top_p, stop_sequences: stop } = body;
  checkStops(stop, "stop_sequences");
  const tools = readTools(body);
  const isSerial = tools.tools !== undefined && body.tool_choice?.disable_parallel_tool_use;
  return {
    ...present({ temperature, top_p, stop: stop?.length ? stop : undefined }),
    ...tools,
    ...(isSerial ? { parallel_tool_calls: false } : {}),
  };
}

/** @throws {ApiError} 400 for a tool that only Anthropic's servers or models have. */
export function readTools({ tools, tool_choice }: PromptBody): ToolFields {
  const functions = (tools ?? []).map((tool, index): FunctionTool => {
    const { type, name, description, input_schema: parameters, strict } = tool;
    if (!parameters && type && type !== "custom") {
      throw invalidRequest(
        `tools[${index}].type`,
        `Tools of the type '${
          type.slice(0, 60)
        }' are not supported. Describe the tool with an input_schema.`,
      );
    }
    if (!name) throw missingParameter(`tools[${index}].name`);
    if (!parameters) throw missingParameter(`tools[${index}].input_schema`);
    return {
      type: "function",
      function: { name, ...present({ description, parameters, strict }) },
    };
  });
  return toolFields(functions, chatChoice(tool_choice));
}

function chatChoice(choice: PromptBody["tool_choice"]): ToolChoice {
  switch (choice?.type) {
    case "any":
      return "required";
    case "tool":
      if (!choice.name) throw missingParameter("tool_choice.name");
      return { type: "function", function: { name: choice.name } };
    default:
      return choice?.type;
  }
}

function answerFormat(body: MessagesBody): JsonFormat | undefined {
  const field = body.output_config?.format ? "output_config.format" : "output_format";
  const format = body.output_config?.format ?? body.output_format;
  if (!format) return undefined;
  const given = { name: "answer", schema: format.schema, strict: true };
  return jsonFormat(given, field, `${field}.schema`);
}
