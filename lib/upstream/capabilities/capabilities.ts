import type { Target, UpstreamMessage } from "../target.ts";

/** What an upstream model supports, and how it wants to be called. */
export interface Capabilities {
  /** Types of response formats that may work for the schema, the strictest first. */
  formats: readonly ResponseFormatType[];
  /** Supports a response format together with tools. */
  formatsWithTools: boolean;
  /** An answer has followed the schema. */
  followsSchema: boolean;
  /** Has reasoned without instructions to do so. */
  reasons: boolean;
  /** Whether its text begins with thinking, whose opening tag is in the prompt. */
  opensThinking: boolean;
  /** Tokens of its context, if the upstream has named them in an error, or else in its list. */
  contextTokens: number | undefined;
  /** Whether it answers with streams. */
  streams: "always" | "optional" | "never";
  /** Name of the field for the maximum number of generated tokens. */
  maxTokens: "max_tokens" | "max_completion_tokens" | "none";
  /** Where system messages may be. */
  systemMessages: "anywhere" | "first" | "none";
  /** Supports the role `developer`. */
  developerRole: boolean;
  /** Requires that messages of the user and the assistant take turns. */
  alternatingRoles: boolean;
  /** Supports function calls. */
  functions: boolean;
  /** Supports calls and results of tools without definitions of tools. */
  toolHistory: boolean;
  /** Requires the reasoning of tool calls with their results. */
  toolReasoning: boolean;
  /** Wants its opaque state back with messages. */
  toolState: boolean;
  /** Supports content parts for text. */
  textParts: boolean;
  /** Supports `null` as the content of a message with tool calls. */
  nullContent: boolean;
  /** Fields of the body that it rejects. */
  rejectedFields: readonly string[];
  /** Fields of messages that it rejects. */
  rejectedMessageFields: readonly string[];
  /** Highest and lowest values of numbers in the body, by field. */
  limits: Readonly<Record<string, Limit>>;
}

export interface Limit {
  min?: number;
  max?: number;
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
  hasTools: boolean,
): ResponseFormatType | undefined {
  if (hasTools && !capabilities.formatsWithTools) return undefined;
  return capabilities.formats.find((type) => hasSchema || type === "json_object");
}

/** Samples of one call that are read. */
const MAX_SAMPLES = 16;

/** Returns how many of the wanted samples one call may ask for. */
export function samplesInOneCall(
  wanted: number,
  { rejectedFields, limits }: Readonly<Capabilities>,
): number {
  return rejectedFields.includes("n") ? 1 : Math.min(wanted, limits.n?.max ?? wanted, MAX_SAMPLES);
}

/** Models whose templates open the thinking, unless their server separates it. */
const OPENING_MODEL_REGEXP = /(^|[^a-z0-9])(r1|qwq|thinking)([^a-z0-9]|$)/i;

/** Assumed of an upstream until it shows otherwise. */
export function defaultCapabilities({ upstream, model }: Target): Capabilities {
  const isOpenAi = upstream.base_url.includes("//api.openai.com");
  const usesN = upstream.use_n !== false && !upstream.base_url.startsWith("demo:");
  return {
    formats: ["json_schema", "json_object"],
    formatsWithTools: true,
    followsSchema: false,
    reasons: false,
    opensThinking: upstream.opens_thinking ?? OPENING_MODEL_REGEXP.test(model),
    contextTokens: undefined,
    streams: "optional",
    maxTokens: isOpenAi ? "max_completion_tokens" : "max_tokens",
    systemMessages: "anywhere",
    // Others understand `system`, which Azure's o-series reads as `developer`; many reject
    // `developer`, and Ollama drops it silently.
    developerRole: isOpenAi,
    alternatingRoles: false,
    functions: true,
    toolHistory: true,
    toolReasoning: false,
    toolState: false,
    textParts: true,
    nullContent: true,
    rejectedFields: usesN ? [] : ["n"],
    rejectedMessageFields: [],
    limits: {},
  };
}

/** Returns the change after which the format is no longer used. */
export function withoutFormat(
  { formats }: Readonly<Capabilities>,
  format: ResponseFormatType | undefined,
): Partial<Capabilities> {
  return { formats: formats.filter((type) => type !== format) };
}
