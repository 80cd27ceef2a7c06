import type { Target, UpstreamMessage } from "../target.ts";

/** What an upstream model supports, and how it wants to be called. */
export interface Capabilities {
  /** Types of response formats that may work for the schema, the strictest first. */
  formats: readonly ResponseFormatType[];
  /** An answer has followed the schema. */
  followsSchema: boolean;
  /** Has reasoned without instructions to do so. */
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

/** Returns the strictest format that the upstream supports. */
export function formatTypeFor(
  capabilities: Readonly<Capabilities>,
  hasSchema: boolean,
): ResponseFormatType | undefined {
  return capabilities.formats.find((type) => hasSchema || type === "json_object");
}

/** Assumed of an upstream until it shows otherwise. */
export function defaultCapabilities({ upstream }: Target): Capabilities {
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

/** Returns the change after which the format is no longer used. */
export function withoutFormat(
  { formats }: Readonly<Capabilities>,
  format: ResponseFormatType | undefined,
): Partial<Capabilities> {
  return { formats: formats.filter((type) => type !== format) };
}
