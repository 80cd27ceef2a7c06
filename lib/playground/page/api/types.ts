/** What the server sends. */

export interface Model {
  id: string;
  strategy: string;
  /** Defaults of its strategy's options. */
  options: Record<string, unknown>;
  /** Kinds of tools that the key may use. */
  tools: string[];
}

/** A field of a request's `reasoning`, as JSON Schema describes it. */
export interface OptionField {
  type: "integer" | "number" | "boolean" | "string";
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

export interface Strategy {
  name: string;
  summary: string;
  /** Number of upstream calls. */
  calls: string;
  /** Number of calls in sequence. */
  latency: string;
  options: Record<string, OptionField>;
}

/** A piece of a chat completion. */
export interface Chunk {
  o1?: Record<string, unknown>;
  usage?: Usage | null;
  choices?: {
    delta: Partial<Record<"reasoning" | "reasoning_content" | "content" | "refusal", string>>;
    finish_reason: string | null;
  }[];
}

export interface Usage {
  total_tokens: number;
  completion_tokens_details?: { reasoning_tokens?: number };
  upstream?: { estimated?: boolean; calls?: number; cost?: number };
}
