/**
 * The one internal request that every dialect decodes into.
 *
 * @module
 */
import type { JsonFormat, Target } from "../upstream/target.ts";

export type { JsonFormat } from "../upstream/target.ts";

/** A message of the conversation, with whatever fields the client gave it. */
export interface Message {
  /** Who speaks. */
  role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  /** Text, content parts, or nothing. */
  content?: unknown;
  /** Name, tool calls, tool call id and other fields, passed on unchanged. */
  [field: string]: unknown;
}

/** OpenAI's dial for how much to think. */
export type Effort =
  | "none"
  | "minimal"
  | "low"
  | "medium"
  | "high"
  | "xhigh"
  | "max";

/** What `auto` runs at each effort: a strategy, or `vote_or_moa` as the question is. */
export type EffortRoutes = Readonly<Record<Effort, string>>;

/** Fields of the client's that hold for the final, visible call only; passed on by these names. */
export interface FinalCallFields {
  /** Sampling temperature, 0 to 2. */
  temperature?: number;
  /** Nucleus sampling, 0 to 1. */
  top_p?: number;
  /** Stop sequences. */
  stop?: string | string[];
  /** Sampling seed. */
  seed?: number;
  /** Functions the model may call. */
  tools?: unknown[];
  /** Which of them it must call. */
  tool_choice?: unknown;
  /** Whether it may call several at once. */
  parallel_tool_calls?: boolean;
}

/** A request for a completion, independent of the dialect it came in. */
export interface ReasoningRequest {
  /** The conversation, whole and in order. */
  messages: Message[];
  /** Whether the client wants a stream; upstream calls are streamed then too. */
  stream: boolean;
  /** Ceiling for all generated tokens of the request, thinking included. */
  maxTokens?: number;
  /** How much to think; default: the model's own. */
  effort?: Effort;
  /** A strategy in place of the model's own. */
  strategy?: string;
  /** Options of the strategy that win over the model's own. */
  options?: Record<string, unknown>;
  /** The answer has to be JSON. */
  json?: JsonFormat;
  /** Ceiling for the tokens of thinking alone. */
  thinkingTokens?: number;
  /** What holds for the visible call only. */
  final: FinalCallFields;
}

/** Limits of one request, whatever its strategy. */
export interface Caps {
  /** Upstream calls. */
  calls: number;
  /** Generated tokens. */
  tokens: number;
  /** USD, where prices are known. */
  usd?: number;
}

/** How any strategy asks. */
export interface Modifiers {
  /**
   * Whether the question is repeated once.
   *
   * @see Xu et al., Re-Reading Improves Reasoning, arXiv 2309.06275
   */
  re2: boolean;
  /**
   * Follow-ups at most; undefined: by strategy and effort.
   *
   * @see Muennighoff et al., s1, arXiv 2501.19393; its evidence is for a fine-tuned model
   */
  wait?: number | undefined;
}

/** A published model: what stands behind an id. */
export interface ReasoningModel {
  /** The id that clients see. */
  id: string;
  /** Name of its strategy. */
  strategy: string;
  /** The strategy's own options, validated. */
  options: Record<string, unknown>;
  /** Upstream models, tried in order. */
  targets: Target[];
  /** Other upstream models for single roles of a strategy. */
  roles: Record<string, Target[]>;
  /** How it asks, whatever its strategy. */
  modifiers: Modifiers;
  /** How much it thinks where the request does not say. */
  effort: Effort;
  /** Texts that replace the strategy's own prompts, by name. */
  prompts: Record<string, string>;
  /** Put before the client's own messages. */
  systemPrompt?: string;
  /** What `auto` runs at each effort. */
  routes: EffortRoutes;
  /** Requests whose last user message is like one of these are passed through. */
  directWhen: readonly RegExp[];
  /** Limits of one request. */
  caps: Caps;
  /** Whether status lines are shown. */
  statusLines: boolean;
}

/** A request asks for something that is not to be had. The message is for clients. */
export class RequestError extends Error {
  /** The name of the class. */
  override readonly name = "RequestError";

  /** Creates an error about a field. */
  constructor(
    /** The field's path, as the client wrote it. */
    readonly param: string,
    message: string,
  ) {
    super(message);
  }
}
