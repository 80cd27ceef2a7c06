/**
 * The body of a Chat Completions request in, the internal request out.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/chat/create}
 * @module
 */
import { z } from "zod";
import { EFFORTS } from "../reasoning/effort.ts";
import type { Effort, FinalCallFields, Message, ReasoningRequest } from "../reasoning/request.ts";
import { type ApiError, invalidRequest } from "./errors.ts";
import { type Format, type FormatName, FORMATS } from "./format.ts";
import { isInContent } from "./formats.ts";

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
}

/** Where the reasoning of this request goes. */
export function formatOf(request: ChatRequest, modelFormat: Format): Format {
  const format = request.format ?? modelFormat;
  const { tools, response_format } = request.reasoning.final;
  const plain = tools === undefined &&
    (response_format === undefined || response_format.type === "text");
  return !plain && isInContent(format) ? "both" : format;
}

const part = z.looseObject({ type: z.string() });

const message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z.union([z.string(), z.array(part)], { error: "a string or an array of content parts" })
    .nullish(),
  tool_calls: z.array(z.looseObject({})).nullish(),
  tool_call_id: z.string().nullish(),
  name: z.string().nullish(),
});

const tokens = () => z.number().int().min(1).nullish();

const chatBody = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: tokens(),
  max_completion_tokens: tokens(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)], {
    error: "a string or an array of at most 4 strings",
  }).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).max(128).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})], { error: "a string or an object" })
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
  reasoning_effort: z.enum([...EFFORTS, ""]).nullish(),
  reasoning: z.looseObject({
    effort: z.enum([...EFFORTS, ""]).nullish(),
    exclude: z.boolean().nullish(),
    enabled: z.boolean().nullish(),
    strategy: z.string().nullish(),
  }).nullish(),
  include_reasoning: z.boolean().nullish(),
  reasoning_format: z.enum(["parsed", "raw", ...FORMATS]).nullish(),
});

type ChatBody = z.output<typeof chatBody>;

/** Fields of `reasoning` that are not options of the strategy. */
const REASONING_FIELDS = new Set([
  "effort",
  "exclude",
  "enabled",
  "strategy",
  "events",
  "max_tokens",
  "summary",
  "generate_summary",
]);

/** Fields that are passed on to the final call as they are. */
const FINAL_FIELDS = [
  "temperature",
  "top_p",
  "seed",
  "stop",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
] as const;

/**
 * Decodes the JSON of a request's body.
 *
 * @param strategy a strategy chosen by a header, if any.
 * @throws {ApiError} 400 naming the field that is missing or wrong.
 */
export function decodeChatRequest(json: unknown, strategy?: string): ChatRequest {
  const parsed = chatBody.safeParse(json);
  if (!parsed.success) throw fault(parsed.error.issues[0]!, json);
  const body = parsed.data;
  const reasoning: ReasoningRequest = {
    messages: body.messages.map((message) => message as Message),
    stream: body.stream === true,
    final: finalFields(body),
  };
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (typeof maxTokens === "number") reasoning.maxTokens = maxTokens;
  const effort = effortOf(body);
  if (effort !== undefined) reasoning.effort = effort;
  const chosen = body.reasoning?.strategy ?? strategy;
  if (typeof chosen === "string") reasoning.strategy = chosen;
  const options = Object.entries(body.reasoning ?? {}).filter(([key]) =>
    !REASONING_FIELDS.has(key)
  );
  if (options.length > 0) reasoning.options = Object.fromEntries(options);
  return {
    model: body.model ?? undefined,
    reasoning,
    includeUsage: body.stream_options?.include_usage === true,
    format: chosenFormat(body),
  };
}

function finalFields(body: ChatBody): FinalCallFields {
  const fields: Record<string, unknown> = {};
  for (const name of FINAL_FIELDS) {
    const value = body[name];
    if (value !== null && value !== undefined) fields[name] = value;
  }
  return fields;
}

function effortOf(body: ChatBody): Effort | undefined {
  if (body.reasoning?.enabled === false) return "none";
  return (body.reasoning?.effort || body.reasoning_effort) || undefined;
}

function chosenFormat(body: ChatBody): FormatName | undefined {
  if (body.include_reasoning === false || body.reasoning?.exclude === true) return "hidden";
  const format = body.reasoning_format ?? undefined;
  if (format === "parsed") return "both";
  if (format !== "raw") return format;
  const mode = body.response_format?.type ?? "text";
  if (mode !== "text" || (body.tools?.length ?? 0) > 0) {
    throw invalidRequest(
      "reasoning_format",
      "'reasoning_format' can't be 'raw' together with 'tools' or a JSON 'response_format'. Use 'parsed' or 'hidden'.",
    );
  }
  return "think";
}

/** OpenAI's words for what is wrong with a field. */
function fault(issue: z.core.$ZodIssue, json: unknown): ApiError {
  const param = issue.path.reduce<string>(
    (path, key) =>
      typeof key === "number"
        ? `${path}[${key}]`
        : path === ""
        ? String(key)
        : `${path}.${String(key)}`,
    "",
  );
  if (param === "") {
    return invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
  }
  const value = valueAt(json, issue.path);
  if (value === undefined) {
    return invalidRequest(
      param,
      `Missing required parameter: '${param}'.`,
      "missing_required_parameter",
    );
  }
  switch (issue.code) {
    case "invalid_type":
    case "invalid_union": {
      const expected = issue.code === "invalid_type" ? issue.expected : issue.message;
      return invalidRequest(
        param,
        `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`,
        "invalid_type",
      );
    }
    case "too_small":
    case "too_big":
      return invalidRequest(param, `Invalid value for '${param}': ${bound(issue)}.`);
    case "invalid_value": {
      const values = issue.values.filter((value) => value !== "").map((value) =>
        `'${String(value)}'`
      );
      return invalidRequest(
        param,
        `Invalid value for '${param}': ${shown(value)}. Supported values are: ${
          values.join(", ")
        }.`,
      );
    }
    default:
      return invalidRequest(param, `Invalid value for '${param}': ${issue.message}.`);
  }
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const small = issue.code === "too_small";
  const limit = String(small ? issue.minimum : issue.maximum);
  const what = issue.origin === "array" ? " items" : "";
  return `expected ${small ? "at least" : "at most"} ${limit}${what}`;
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    json,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value)
    ? "an array"
    : typeof value === "object"
    ? "an object"
    : `a ${typeof value}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value) ?? kindOf(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
