import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import {
  checkStops,
  invalidValue,
  missingParameter,
  parseBody,
  present,
  strategyOptions,
} from "../body.ts";
import type { Format, FormatName } from "../formats/format.ts";
import { isInContent } from "../formats/formatter.ts";
import { JSON_OBJECT, jsonFormat } from "../json_format.ts";
import { otherFields } from "../upstream_fields.ts";
import { type FunctionTool, type ToolChoice, toolFields } from "../tools.ts";
import { type ChatBody, chatBody, reasoningFields } from "./body.ts";
import { readConversation } from "./conversation.ts";
import type { CompletionFlags } from "./encode.ts";
import { checkStrict } from "./strict.ts";
import { readSwitches } from "./switches.ts";

export interface ChatRequest {
  /** A published model's id. Default: the first model. */
  model: string | undefined;
  reasoning: ReasoningRequest;
  /** Default: the model's format. */
  format: FormatName | undefined;
  flags: CompletionFlags;
}

export interface DecodeOptions {
  /** The strategy from the request's headers; the body's takes precedence. */
  strategy?: string | undefined;
  /** Whether to reject what o1 rejects. */
  strict?: boolean;
}

/** The format of the answer. JSON answers and tool calls never carry reasoning in the content. */
export function formatOf(request: ChatRequest, modelFormat: Format): Format {
  const format = request.format ?? modelFormat;
  const { final, json } = request.reasoning;
  const isPlain = final.tools === undefined && json === undefined;
  return !isPlain && isInContent(format) ? "both" : format;
}

/** Fields of the schema that upstreams read as well. */
const PASSED_ON: ReadonlySet<string> = new Set([
  "chat_template_kwargs",
  "enable_thinking",
  "modalities",
  "reasoning_effort",
  "thinking",
  "thinking_budget",
]);

/** Fields that the server uses itself. */
const OWN_FIELDS = new Set(Object.keys(chatBody.shape)).difference(PASSED_ON);

/** @throws {ApiError} 400 naming the field that is missing or invalid. */
export function decodeChatRequest(json: unknown, options: DecodeOptions = {}): ChatRequest {
  const body = parseBody(chatBody, json);
  if (options.strict) checkStrict(body);
  const { effort, thinkingTokens, format } = readSwitches(body);
  return {
    model: body.model ?? undefined,
    reasoning: {
      messages: readConversation(body.messages),
      stream: body.stream === true,
      final: finalFields(body),
      ...present({
        maxTokens: body.max_completion_tokens,
        maxCallTokens: body.max_completion_tokens ? undefined : body.max_tokens,
        effort,
        thinkingTokens,
        strategy: body.reasoning?.strategy ?? options.strategy,
        options: strategyOptions(body.reasoning, reasoningFields),
        json: answerFormat(body),
        choices: body.n,
        wantsRecords: body.reasoning?.calls,
        upstreamFields: otherFields(body, OWN_FIELDS),
      }),
    },
    format,
    flags: {
      includeUsage: body.stream_options?.include_usage === true,
      progress: body.reasoning?.events === true,
      legacyFunctions: !body.tools?.length && (body.functions?.length ?? 0) > 0,
    },
  };
}

function finalFields(body: ChatBody): FinalCallFields {
  const { temperature, top_p, seed, stop, parallel_tool_calls } = body;
  checkStops(stop, "stop");
  return {
    ...present({ temperature, top_p, seed, stop, parallel_tool_calls }),
    ...toolFields(functionTools(body), toolChoice(body)),
  };
}

function functionTools({ tools, functions }: ChatBody): FunctionTool[] {
  if (!tools?.length) return (functions ?? []).map((fn) => ({ type: "function", function: fn }));
  return tools.map((tool, index) => {
    const param = `tools[${index}]`;
    if (tool.type !== "function") {
      throw invalidValue(
        `${param}.type`,
        `'${tool.type.slice(0, 60)}' tools are not supported. Describe the tool as a function`,
      );
    }
    if (!tool.function) throw missingParameter(`${param}.function`);
    return { ...tool, type: tool.type, function: tool.function };
  });
}

function toolChoice({ tools, tool_choice, functions, function_call }: ChatBody): ToolChoice {
  if (tools?.length || !functions?.length && tool_choice) return tool_choice;
  return typeof function_call === "object" && function_call !== null
    ? { type: "function", function: function_call }
    : function_call;
}

function answerFormat({ response_format: format }: ChatBody): JsonFormat | undefined {
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return JSON_OBJECT;
  const path = "response_format.json_schema";
  if (!format.json_schema) throw missingParameter(path);
  return jsonFormat(format.json_schema, "response_format", `${path}.schema`);
}
