import type { UpstreamError } from "./errors.ts";
import { isSystemMessage, type Target, type UpstreamMessage } from "./target.ts";

/** What an upstream model supports, and how it wants to be called. */
export interface Capabilities {
  /** Supported types of response formats, the strictest first. */
  formats: readonly ResponseFormatType[];
  /** An answer has followed its schema. */
  followsSchema: boolean;
  /** Has reasoned without being told to. */
  reasons: boolean;
  /** Supports `stream_options`. */
  streamOptions: boolean;
  /** Name of the field for the maximum number of generated tokens. */
  maxTokens: "max_tokens" | "max_completion_tokens" | "none";
  /** Supports more than one system message. */
  manySystemMessages: boolean;
  /** Supports the role `developer`. */
  developerRole: boolean;
  /** Requires the reasoning of tool calls with their results. */
  toolReasoning: boolean;
}

/** The parts of a request body that an upstream may reject. */
export interface UpstreamBody extends Record<string, unknown> {
  messages: readonly UpstreamMessage[];
  response_format?: { type: ResponseFormatType; [field: string]: unknown };
}

export type ResponseFormatType = "json_schema" | "json_object";

/** Remembers, for as long as the process lives, what upstream models have rejected and done. */
export interface CapabilityMemory {
  get(target: Target): Readonly<Capabilities>;
  /**
   * Learns from a rejection.
   *
   * @param sent the capabilities that the rejected body was built for.
   * @returns whether a body for the new capabilities may succeed.
   */
  learn(
    target: Target,
    error: UpstreamError,
    sent: Readonly<Capabilities>,
    body: UpstreamBody,
  ): boolean;
  update(target: Target, change: Partial<Capabilities>): void;
}

/** Returns the strictest format that the upstream supports. */
export function formatTypeFor(
  capabilities: Readonly<Capabilities>,
  hasSchema: boolean,
): ResponseFormatType | undefined {
  return capabilities.formats.find((type) => hasSchema || type === "json_object");
}

const FORMAT_REGEXP =
  /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
const NO_REASON_REGEXP = /^[\w ]{0,30}(invalid|bad) request\W*$|^\W*$/i;
const UNKNOWN_FIELD_REGEXP =
  /unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|not allowed|invalid param|instead/i;
const SYSTEM_REGEXP =
  /(multiple|single|one|only|first|second|begin|start|additional)\W.*\bsystem\b|\bsystem\b.*\b(multiple|single|one|only|first|begin|start|alternat)|roles must alternate/i;

/** Assumed of an upstream until it shows otherwise. */
function defaultCapabilities({ upstream }: Target): Capabilities {
  return {
    formats: ["json_schema", "json_object"],
    followsSchema: false,
    reasons: false,
    streamOptions: true,
    maxTokens: upstream.base_url.includes("//api.openai.com")
      ? "max_completion_tokens"
      : "max_tokens",
    manySystemMessages: true,
    developerRole: true,
    toolReasoning: false,
  };
}

/** Returns the capabilities that a rejection disproves. */
function corrections(
  target: Target,
  said: string,
  sent: Readonly<Capabilities>,
  body: UpstreamBody,
): Partial<Capabilities> | undefined {
  const { messages } = body;
  if ("stream_options" in body && /stream_?options|include_usage/i.test(said)) {
    return { streamOptions: false };
  }
  // "Use the other" or "unknown parameter" is about the name; a range is about the number.
  if (
    sent.maxTokens in body && new RegExp(`(?<!_)\\b${sent.maxTokens}\\b`).test(said) &&
    UNKNOWN_FIELD_REGEXP.test(said)
  ) {
    if (sent.maxTokens !== defaultCapabilities(target).maxTokens) return { maxTokens: "none" };
    return { maxTokens: sent.maxTokens === "max_tokens" ? "max_completion_tokens" : "max_tokens" };
  }
  if (
    messages.some((message) => message.tool_calls !== undefined) && /reasoning_content/i.test(said)
  ) {
    // Some reject a tool's result without it, others reject the field itself.
    return { toolReasoning: !UNKNOWN_FIELD_REGEXP.test(said) };
  }
  if (messages.some(({ role }) => role === "developer") && /developer/i.test(said)) {
    return { developerRole: false };
  }
  if (messages.filter(isSystemMessage).length > 1 && SYSTEM_REGEXP.test(said)) {
    return { manySystemMessages: false };
  }
  // A rejection without a reason is most often about the newest feature in the request.
  const format = body.response_format?.type;
  if (format !== undefined && (FORMAT_REGEXP.test(said) || NO_REASON_REGEXP.test(said))) {
    return withoutFormat(sent, format);
  }
}

/** Returns the change for a model that does not support a format. */
export function withoutFormat(
  { formats }: Readonly<Capabilities>,
  format: ResponseFormatType | undefined,
): Partial<Capabilities> {
  return { formats: formats.filter((type) => type !== format) };
}

export function createCapabilityMemory(): CapabilityMemory {
  const memory = new Map<string, Readonly<Capabilities>>();
  const keyOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}`;
  const get = (target: Target) => memory.get(keyOf(target)) ?? defaultCapabilities(target);

  function update(target: Target, change: Partial<Capabilities>): void {
    memory.set(keyOf(target), { ...get(target), ...change });
  }

  return {
    get,
    update,
    learn(target, error, sent, body) {
      const { code, upstreamStatus } = error;
      if (code !== "upstream_rejected" || upstreamStatus !== 400 && upstreamStatus !== 422) {
        return false;
      }
      const change = corrections(target, error.upstreamMessage ?? "", sent, body);
      if (change === undefined) return false;
      update(target, change);
      return change.toolReasoning === undefined || change.toolReasoning !== sent.toolReasoning;
    },
  };
}
