/**
 * The response object, and the lists and counts around it.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses/object}
 */
import type { Usage } from "../../reasoning/usage/meter.ts";
import { newHexId } from "../ids.ts";
import type { Item, ResponsesBody, Tool } from "./body.ts";

export type ResponseStatus =
  | "queued"
  | "in_progress"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled";

export function isRunning({ status }: { status: ResponseStatus }): boolean {
  return status === "queued" || status === "in_progress";
}

/** A response in OpenAI's shape. Fields that are not named here repeat the request's. */
export interface ResponseObject extends Record<string, unknown> {
  /** `resp_` and 48 hexadecimal digits. */
  id: string;
  object: "response";
  /** Seconds since 1970. */
  created_at: number;
  /** Seconds since 1970; null unless it is completed. */
  completed_at: number | null;
  status: ResponseStatus;
  error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  model: string;
  output: Item[];
  previous_response_id: string | null;
  store: boolean;
  background: boolean;
  /** Null until it has ended. */
  usage: Record<string, unknown> | null;
}

/** Values that OpenAI's document has. Providers may support others, but typed clients can't read them. */
const VERBOSITIES = ["low", "medium", "high"];
const RETENTIONS = ["in_memory", "24h"];
const MAX_IDENTIFIER_LENGTH = 64;

const known = (value: string | null | undefined, values: readonly string[]) =>
  values.find((name) => name === value);

/**
 * A response at its beginning, with every key that clients expect.
 *
 * @param facts the time in seconds since 1970, and what the server adds to the request's fields.
 */
export function responseObject(
  body: ResponsesBody,
  { createdAt, model, effort }: { createdAt: number; model: string; effort: string },
): ResponseObject {
  const { format, verbosity } = body.text ?? {};
  const { conversation, safety_identifier: identifier = null } = body;
  return {
    id: newHexId("resp_"),
    object: "response",
    created_at: createdAt,
    completed_at: null,
    status: "in_progress",
    background: body.background === true,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    prompt_cache_retention: known(body.prompt_cache_retention, RETENTIONS) ?? null,
    reasoning: {
      mode: body.reasoning?.mode === "pro" ? "pro" : "standard",
      // Models get back the thinking that led to a call, and no other.
      context: "current_turn",
      effort,
      summary: body.reasoning?.summary ?? body.reasoning?.generate_summary ?? null,
    },
    safety_identifier: identifier && identifier.length > MAX_IDENTIFIER_LENGTH ? null : identifier,
    service_tier: "default",
    store: body.store !== false,
    temperature: body.temperature ?? 1,
    text: {
      format: format ?? { type: "text" },
      verbosity: known(verbosity, VERBOSITIES) ?? "medium",
    },
    tool_choice: body.tool_choice ?? "auto",
    tools: (body.tools ?? []).map(shownTool),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    truncation: body.truncation ?? "disabled",
    usage: null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
    ...(conversation
      ? { conversation: { id: typeof conversation === "string" ? conversation : conversation.id } }
      : {}),
  };
}

function shownTool(tool: Tool): Tool {
  if (tool.type === "mcp") {
    // A response is stored: it must not hold the client's keys.
    const { headers: _headers, authorization: _authorization, ...shown } = tool;
    return shown;
  }
  if (tool.type !== "function") return tool;
  return {
    ...tool,
    description: tool.description ?? null,
    parameters: tool.parameters ?? null,
    strict: tool.strict ?? true,
  };
}

/** The prompt counts once, although several upstream calls may read it; `upstream` has the sums. */
export function responseUsage(usage: Usage): Record<string, unknown> {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
    upstream: usage.upstream,
  };
}

export function page(data: readonly Item[], hasMore: boolean): Record<string, unknown> {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
