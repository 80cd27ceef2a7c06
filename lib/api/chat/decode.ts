/**
 * The body of a Chat Completions request in, the internal request out.
 *
 * @module
 */
import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import { type ChatBody, chatBody } from "./body.ts";
import { readMessages } from "./messages.ts";
import { checkStrict } from "./strict.ts";
import { readSwitches } from "./switches.ts";
import { readTools } from "./tools.ts";
import { invalidRequest } from "../errors.ts";
import type { Format, FormatName } from "../formats/format.ts";
import { isInContent } from "../formats/formats.ts";
import { JSON_OBJECT, jsonFormat } from "../json_format.ts";
import { requestFault } from "../request_fault.ts";

/** A decoded request. */
export interface ChatRequest {
  /** The published model's id; undefined means the first one. */
  model: string | undefined;
  /** What to reason about, and how. */
  reasoning: ReasoningRequest;
  /** Whether a stream ends with a usage chunk. */
  includeUsage: boolean;
  /** The format that the client chose, if any. */
  format: FormatName | undefined;
  /** Whether chunks carry structured progress. */
  progress: boolean;
  /** Whether a call is answered in the deprecated form, as `function_call`. */
  legacyFunctions: boolean;
}

/** What changes how a body is read. */
export interface DecodeOptions {
  /** A strategy chosen by a header. */
  strategy?: string | undefined;
  /** Whether what o1 refuses is refused. */
  strict?: boolean;
}

/** Where the reasoning of this request goes. */
export function formatOf(request: ChatRequest, modelFormat: Format): Format {
  const format = request.format ?? modelFormat;
  const { final, json } = request.reasoning;
  const isPlain = final.tools === undefined && json === undefined;
  return !isPlain && isInContent(format) ? "both" : format;
}

/** Fields of `reasoning` that are not options of the strategy. */
const REASONING_FIELDS = new Set([
  "effort",
  "enabled",
  "events",
  "exclude",
  "generate_summary",
  "max_tokens",
  "strategy",
  "summary",
]);

/** Fields that are passed on to the final call as they are. */
const FINAL_FIELDS = ["temperature", "top_p", "seed", "stop", "parallel_tool_calls"] as const;

/**
 * Decodes the JSON of a request's body.
 *
 * @throws {ApiError} 400 naming the field that is missing or wrong.
 */
export function decodeChatRequest(json: unknown, options: DecodeOptions = {}): ChatRequest {
  const parsed = chatBody.safeParse(json);
  if (!parsed.success) throw requestFault(parsed.error.issues[0]!, json);
  const body = parsed.data;
  if (options.strict) checkStrict(body);
  checkUnsupported(body);
  const { effort, thinkingTokens, format } = readSwitches(body);
  const reasoning: ReasoningRequest = {
    messages: readMessages(body.messages),
    stream: body.stream === true,
    final: finalFields(body),
  };
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  if (maxTokens !== undefined) reasoning.maxTokens = maxTokens;
  if (effort !== undefined) reasoning.effort = effort;
  if (thinkingTokens !== undefined) reasoning.thinkingTokens = thinkingTokens;
  const strategy = body.reasoning?.strategy ?? options.strategy;
  if (strategy !== undefined) reasoning.strategy = strategy;
  const own = Object.entries(body.reasoning ?? {}).filter(([key, value]) =>
    !REASONING_FIELDS.has(key) && value !== null
  );
  if (own.length > 0) reasoning.options = Object.fromEntries(own);
  const schema = answerFormat(body);
  if (schema !== undefined) reasoning.json = schema;
  return {
    model: body.model ?? undefined,
    reasoning,
    includeUsage: body.stream_options?.include_usage === true,
    format,
    progress: body.reasoning?.events === true,
    legacyFunctions: !body.tools?.length && (body.functions?.length ?? 0) > 0,
  };
}

function finalFields(body: ChatBody): FinalCallFields {
  const fields: Record<string, unknown> = {};
  for (const name of FINAL_FIELDS) {
    const value = body[name];
    if (value !== null && value !== undefined) fields[name] = value;
  }
  return { ...fields, ...readTools(body) };
}

/** What no strategy can give. */
function checkUnsupported(body: ChatBody): void {
  if ((body.n ?? 1) > 1) {
    throw invalidRequest("n", "Invalid value for 'n': one choice a request. Ask several times.");
  }
  if (body.modalities?.includes("audio")) {
    throw invalidRequest("modalities", "Invalid value for 'modalities': 'audio' is not supported.");
  }
}

function answerFormat(body: ChatBody): JsonFormat | undefined {
  const format = body.response_format;
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return JSON_OBJECT;
  const given = format.json_schema;
  if (!given) {
    throw invalidRequest(
      "response_format.json_schema",
      "Missing required parameter: 'response_format.json_schema'.",
      "missing_required_parameter",
    );
  }
  return jsonFormat(given, "response_format", "response_format.json_schema.schema");
}
