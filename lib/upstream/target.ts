import type { UpstreamOptions } from "./options.ts";

/** A model at an upstream. */
export interface Target {
  /** The upstream's name in the config. */
  name: string;
  upstream: UpstreamOptions;
  /** The model's name at the upstream. */
  model: string;
}

/** A message as it is sent upstream. */
export interface UpstreamMessage {
  role: string;
  /** A string or a list of content parts. */
  content?: unknown;
  /** Name, tool calls and other fields. */
  [field: string]: unknown;
}

export function isSystemMessage({ role }: UpstreamMessage): boolean {
  return role === "system" || role === "developer";
}

export function withoutField(message: UpstreamMessage, field: string): UpstreamMessage {
  if (!Object.hasOwn(message, field)) return message;
  const { role, [field]: _, ...rest } = message;
  return { role, ...rest };
}

/** Returns the text of a message's content, or the texts of its parts, one a line. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => typeof part?.text === "string" ? part.text : "").join("\n");
}

/** Requires an answer in JSON. */
export interface JsonFormat {
  name: string;
  /** JSON Schema. Without one, any object is valid. */
  schema?: Record<string, unknown>;
  /** Whether the upstream must enforce the schema; sent unchanged. */
  strict?: boolean;
  description?: string;
  /** Also describe the format in a system message if the upstream has no mode for it. */
  inPrompt: boolean;
}

/** Equal calls that are made at the same time, and may be sent as one. */
export interface Wave {
  /** Number of samples in the call; lowered to what an upstream supports. */
  size: number;
}

export interface UpstreamRequest {
  messages: readonly UpstreamMessage[];
  /** The calls that this one may be sent with. */
  wave?: Wave | undefined;
  /** Whether to request a stream. */
  stream: boolean;
  /** Maximum number of generated tokens. */
  maxTokens?: number | undefined;
  /** Limit that is not sent: an answer with many more is an error, and any other text is cut. */
  tokenCap?: number;
  json?: JsonFormat | undefined;
  /** Whether the client may send the answer back as a message. */
  isAnswer?: boolean;
  /** Other fields of the body, by their wire names. */
  fields: Readonly<Record<string, unknown>>;
}
