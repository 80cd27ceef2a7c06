/**
 * Whom to ask upstream, and what.
 *
 * @module
 */
import type { UpstreamOptions } from "./options.ts";

/** An upstream model: where it is and what it is called there. */
export interface Target {
  /** The upstream's name in the config. */
  name: string;
  /** How to reach it. `base_url` has no trailing slash and no /chat/completions. */
  upstream: UpstreamOptions;
  /** The model's name there. */
  model: string;
}

/** A message as it goes upstream. */
export interface UpstreamMessage {
  /** Who speaks. */
  role: string;
  /** Text, content parts, or nothing. */
  content?: unknown;
  /** Name, tool calls and other fields. */
  [field: string]: unknown;
}

/** What an answer in JSON has to be like. */
export interface JsonFormat {
  /** The schema's name. */
  name: string;
  /** The JSON Schema; without one any object will do. */
  schema?: Record<string, unknown>;
  /** Whether the upstream shall hold the answer to it; passed on as it is. */
  strict?: boolean;
  /** What the schema is for. */
  description?: string;
  /** Whether to ask for it in words too, where the upstream has no such mode. */
  inWords: boolean;
}

/** What to ask an upstream model. */
export interface UpstreamRequest {
  /** The conversation. */
  messages: readonly UpstreamMessage[];
  /** Whether to ask for a stream. */
  stream: boolean;
  /** Ceiling for generated tokens. */
  maxTokens?: number;
  /** The answer has to be JSON, of this schema if one is given. */
  json?: JsonFormat;
  /** Other fields of the body, by their wire names. */
  fields: Readonly<Record<string, unknown>>;
}
