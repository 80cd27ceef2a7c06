/** The request into which every dialect decodes, and the published model that it runs on. */
import type { JsonFormat, Target } from "../upstream/target.ts";
import type { Effort, EffortRoutes } from "./effort.ts";
import type { ToolRules } from "./tools/use_limits.ts";

export type { JsonFormat } from "../upstream/target.ts";
export type { Effort, EffortRoutes, ThinkingEffort } from "./effort.ts";

/** A message of the conversation. Fields that are not named here are passed on unchanged. */
export interface Message {
  role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  /** Text or an array of content parts. */
  content?: unknown;
  [field: string]: unknown;
}

/** Fields of the client's request that apply to the visible call only, under their wire names. */
export interface FinalCallFields {
  /** Sampling temperature, 0 to 2. */
  temperature?: number;
  /** Nucleus sampling, 0 to 1. */
  top_p?: number;
  stop?: string | string[];
  seed?: number;
  /** Functions that the model may call. */
  tools?: unknown[];
  /** Which function the model must call, if any. */
  tool_choice?: unknown;
  /** Whether the model may call several functions at once. */
  parallel_tool_calls?: boolean;
}

/** A request, independent of the dialect in which it was sent. */
export interface ReasoningRequest {
  /** The whole conversation, in order. */
  messages: Message[];
  /** Whether the client wants a stream; upstream calls are then streamed too. */
  stream: boolean;
  /** Limit for all generated tokens, thinking included. */
  maxTokens?: number;
  /** Limit for the generated tokens of each call, so that the answer is no longer. */
  maxCallTokens?: number;
  /** Default: the model's own. */
  effort?: Effort;
  /** Replaces the model's strategy. */
  strategy?: string;
  /** Whether the strategy for `reasoning.mode: "pro"` replaces the model's. */
  isPro?: boolean;
  /** Options of the strategy; they take precedence over the model's own. */
  options?: Record<string, unknown>;
  /** The format of an answer in JSON. */
  json?: JsonFormat;
  /** Limit for the tokens of thinking. */
  thinkingTokens?: number;
  /** Whether the oldest messages are dropped if the conversation exceeds the model's context. */
  truncates?: boolean;
  /** Tokens of the prompt above which older turns are summarised first. */
  compactAbove?: number;
  /** Whether the conversation is summarised and not answered. */
  compactsOnly?: boolean;
  /** Number of independent answers. Default: 1. */
  choices?: number;
  /** Whether the events include records of calls and tool runs. */
  wantsRecords?: boolean;
  toolRules?: ToolRules;
  /** Further fields of the visible call, under the names of Chat Completions. */
  upstreamFields?: Readonly<Record<string, unknown>>;
  final: FinalCallFields;
}

/** Default of `caps.tokens`; a lower one is sent with every call. */
export const DEFAULT_TOKEN_CAP = 200_000;

/** Limits of one request, whatever its strategy. */
export interface Caps {
  /** Upstream calls. */
  calls: number;
  /** Generated tokens. */
  tokens: number;
  /** Cost, where prices are known. */
  usd?: number | undefined;
}

/** Settings of a model that apply to every strategy. */
export interface Modifiers {
  /**
   * Whether the question is repeated once.
   *
   * @see Xu et al., Re-Reading Improves Reasoning, arXiv 2309.06275
   */
  re2: boolean;
  /**
   * Maximum number of follow-ups. Default: by strategy and effort.
   *
   * @see Muennighoff et al., s1, arXiv 2501.19393; its evidence is for a fine-tuned model
   */
  wait?: number | undefined;
}

/** A published model: a strategy over upstream models. */
export interface ReasoningModel {
  /** The id that clients see. */
  id: string;
  /** Name of the strategy or router. */
  strategy: string;
  /** The strategy's options, validated, with defaults. */
  options: Record<string, unknown>;
  /** Upstream models, tried in order; at least one. */
  targets: Target[];
  /** Upstream models of single roles of the strategy. */
  roles: Record<string, Target[]>;
  modifiers: Modifiers;
  /** Effort of requests that set none. */
  effort: Effort;
  /** Texts that replace the strategy's prompts, by name. */
  prompts: Record<string, string>;
  /** Inserted before the client's messages. */
  systemPrompt?: string;
  routes: EffortRoutes;
  /** Name of the strategy of requests with `reasoning.mode: "pro"`. */
  proStrategy: string;
  /** A request whose last user message and system prompt match one of these runs `direct`. */
  directWhen: readonly { user: RegExp; system: RegExp }[];
  caps: Caps;
  /** Maximum length of the list of tools in a thinking call. */
  toolsCharacters: number;
  /** Kinds of tools that the server runs for its calls. */
  serverTools: readonly string[];
  /** Maximum number of runs of these tools for one call. */
  maxToolCalls: number;
  /** Size of the models' context in tokens. Default: learned from rejections. */
  contextTokens?: number;
  /** The operator's own fields of every upstream call. */
  body?: Readonly<Record<string, unknown>>;
  /** Whether status lines are shown. */
  statusLines: boolean;
}

/** The request asks for something that does not exist. The message is shown to the client. */
export class RequestError extends Error {
  override readonly name = "RequestError";

  constructor(
    /** Path of the field, as the client wrote it. */
    readonly param: string,
    message: string,
  ) {
    super(message);
  }
}
