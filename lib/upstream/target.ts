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

/** What to ask an upstream model. */
export interface UpstreamRequest {
  /** The conversation. */
  messages: readonly UpstreamMessage[];
  /** Whether to ask for a stream. */
  stream: boolean;
  /** Ceiling for generated tokens. */
  maxTokens?: number;
  /** JSON Schema to follow, where the upstream can be made to. */
  schema?: { name: string; schema: Record<string, unknown> };
  /** Other fields of the body, by their wire names. */
  fields: Readonly<Record<string, unknown>>;
}
