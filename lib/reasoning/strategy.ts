/**
 * What a strategy is, and what it is given to work with.
 *
 * @module
 */
import type { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Delta } from "../upstream/wire/deltas.ts";
import type { JsonFormat } from "../upstream/target.ts";
import type { ReasoningEvent, UpstreamError } from "./events.ts";
import type { Effort, EffortRoutes, Message, ReasoningRequest } from "./request.ts";

/** One upstream call of a strategy's. */
export interface CallSpec {
  /** The strategy's role that calls, e.g. "step" or "answer"; it may have a model of its own. */
  role: string;
  /** The conversation to send. */
  messages: Message[];
  /** Whether the text is the client's answer: its tools, format and sampling apply then. */
  visible?: boolean;
  /** The text should be JSON, where the upstream can be made to write it. */
  json?: JsonFormat;
  /** Sampling temperature of a thinking call. */
  temperature?: number;
  /** Whether a part of the budget is kept for another call, although this one may answer. */
  keepRoom?: boolean;
  /** How many calls beside each other share what is left of the budget; default: 1. */
  share?: number;
  /** Ends this call alone. */
  signal?: AbortSignal;
  /** Ceiling for the tokens of this call; the request's budget bounds it further. */
  maxTokens?: number;
}

/** What a run of a strategy is given. */
export interface StrategyContext<Options = Record<string, unknown>> {
  /** Its options, validated, with defaults. */
  options: Options;
  /** How much to think. */
  effort: Effort;
  /** Ends the run: client gone, deadline or shutdown. */
  signal: AbortSignal;
  /** How many follow-ups may check the thinking. */
  wait: number;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** The prompt of this name, the config's own before the strategy's. */
  prompt(name: string): string;
  /**
   * Calls an upstream model; usage and budget are seen to.
   *
   * @throws {UpstreamError} when every attempt failed.
   */
  call(spec: CallSpec): AsyncIterable<Delta>;
  /** Whether the budget leaves room for thinking calls, by default one, besides the answer's. */
  canThink(calls?: number): boolean;
  /** Whether budget and caps leave room for one more call that writes the answer. */
  canAnswer(): boolean;
  /** Names the client's tools for a thinking call's instructions; empty where there are none. */
  toolsNote(): string;
  /** The same as a message of its own; none where there are no tools. */
  toolsMessage(): Message[];
  /** Spends one retry on an interrupted thinking call; returns false if none may be spent. */
  spendRetry(error: UpstreamError): boolean;
  /** Whether the role's upstream model has been seen to reason by itself. */
  reasonsItself(role: string): boolean;
  /** Says which text of an earlier call is shown as the answer. */
  shows(text: string): void;
  /** The request, with the conversation as it goes upstream. */
  request: ReasoningRequest;
  /** What is known of how the role's upstream holds to a form in JSON. */
  json: JsonKnowledge;
}

/** What is known of how upstreams hold to a form in JSON. */
export interface JsonKnowledge {
  /** Whether the upstream of this role can be trusted to follow a schema. */
  isSure(role: string): boolean;
  /** The answer followed the schema. */
  held(role: string): void;
  /** The answer did not follow it, so that the upstream is asked otherwise. */
  ignored(role: string): void;
}

/** A way of turning a request into reasoning and an answer. */
export interface Strategy {
  /** One line for people. */
  summary: string;
  /**
   * Schema of its options.
   *
   * @internal its type is for zod alone to say
   */
  options: z.ZodObject;
  /** Its prompts by name; each can be replaced in the config. */
  prompts: Record<string, string>;
  /** Follow-ups by default; undefined: it has none. */
  waits?: (effort: Effort) => number;
  /** The roles that call upstream; each can have another model. */
  roles: readonly string[];
  /** Runs it. Ends with a `finish` event. A strategy that only routes has none. */
  run?(request: ReasoningRequest, context: StrategyContext): AsyncGenerator<ReasoningEvent>;
  /** Names the strategy to run instead. */
  route?(request: ReasoningRequest, effort: Effort, routes: EffortRoutes): string;
}

/** A strategy that runs by itself. */
export interface RunnableStrategy extends Strategy {
  /** Runs it. Ends with a `finish` event. */
  run(request: ReasoningRequest, context: StrategyContext): AsyncGenerator<ReasoningEvent>;
}
