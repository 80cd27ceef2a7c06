/** What a strategy declares, and what a run gives it to work with. */
import type { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Delta } from "../upstream/wire/deltas.ts";
import type { JsonFormat, Wave } from "../upstream/target.ts";
import type { ReasoningEvent, UpstreamError } from "./events.ts";
import type { CommonPrompt } from "./prompts.ts";
import type { Contribution } from "./usage/meter.ts";
import type { Effort, EffortRoutes, Message, ReasoningRequest, ThinkingEffort } from "./request.ts";

/** One upstream call of a strategy. */
export interface CallSpec<Role extends string = string> {
  /** The role that makes the call, e.g. "step" or "answer"; each role can have its own model. */
  role: Role;
  /** The conversation to send. */
  messages: Message[];
  /** The text is the client's answer: the client's tools, format and sampling apply. */
  visible?: boolean;
  /**
   * The call writes a whole turn, tool calls included, which the strategy may use as the client's
   * answer. The client's tools and sampling apply, and it counts as a thinking call.
   */
  isTurn?: boolean;
  /** Format of a thinking call's text, where the upstream supports one. */
  json?: JsonFormat;
  /** Equal calls that start with this one, and may be sent as one. */
  wave?: Wave | undefined;
  /** Sampling temperature of a thinking call. */
  temperature?: number;
  /** Number of parallel calls that divide the remaining budget. Default: 1. */
  share?: number;
  /** Token limit of a thinking call to a model that does not reason by itself. Default: 8,192. */
  maxTokens?: number;
  /** Aborts this call only. */
  signal?: AbortSignal;
}

/** What one read of a call brought. */
export interface CallDelta extends Delta {
  /** All earlier content, and this text after it, was thinking without an opening tag. */
  thought?: string;
  /** Last lines of what tools have computed for this call. */
  computed?: string[];
}

/** What a call needs, whatever the strategy: see {@linkcode StrategyContext}. */
export interface CallContext<Prompt extends string = never, Role extends string = never> {
  /** The request, with the conversation as it is sent upstream. */
  request: ReasoningRequest;
  /** Aborted when the client disconnects, at the deadline and at shutdown. */
  signal: AbortSignal;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  /** Returns the prompt, from the configuration if it replaces it, with `{name}`s filled in. */
  prompt: (name: Prompt | CommonPrompt, values?: Readonly<Record<string, string>>) => string;
  /**
   * Calls an upstream model. Usage and budget are handled here.
   *
   * @throws {UpstreamError} if every attempt failed.
   */
  call: (spec: CallSpec<Role>) => AsyncIterable<CallDelta>;
  /**
   * Whether the budget and the client's limits allow this many thinking calls (default: 1) and then
   * the answer. Reserves them, so ask before each wave of calls.
   */
  canThink: (calls?: number) => Promise<boolean>;
  /** Maximum number of upstream calls of the run. */
  maxCalls: number;
  /** Returns how many of the wanted parallel samples the client's limit pays for. */
  samples: (wanted: number) => number;
  /** Whether the budget allows one more call that writes the answer. */
  canAnswer: () => boolean;
  /**
   * Whether a conversation leaves a quarter of the context of the role's model for its text, by an
   * estimate. True if the size of the context is not known.
   */
  hasRoom: (role: Role, messages: readonly Message[]) => boolean;
  /**
   * Returns how many tokens may be added to these messages until {@linkcode hasRoom} is false;
   * Infinity if the size of the context is not known.
   */
  room: (role: Role, messages: readonly Message[]) => number;
  /** Describes the client's tools, to be appended to instructions; empty without tools. */
  toolsNote: string;
  /** The note as a message of its own; empty without tools. */
  toolsMessage: Message[];
  /** Returns true and spends one retry if a call that failed midway may be continued. */
  spendRetry: (error: UpstreamError) => boolean;
  /** Whether the role's model has reasoned before without being asked to. */
  reasonsItself: (role: Role) => boolean;
  /** Whether calls of both roles go to the same upstream models. */
  isSameModel: (a: Role, b: Role) => boolean;
  /** Counts the text of an earlier call as the visible answer. */
  countAsAnswer: (text: string) => void;
  /** Adds to the usage what calls of these roles used and contributed to the answer. */
  countContributions: (contributions: readonly Pick<Contribution, "role" | "accepted">[]) => void;
  json: JsonKnowledge<Role>;
}

/** What is known about how the model of a role follows JSON formats. */
export interface JsonKnowledge<Role extends string> {
  /** Whether the model has followed the schema before. */
  isSure: (role: Role, json: JsonFormat) => boolean;
  /** Records that an answer followed the format. */
  followed: (role: Role, json: JsonFormat) => void;
  /** Records that an answer did not, so that the next call asks in another way. */
  ignored: (role: Role, json: JsonFormat) => void;
}

/**
 * What a run gives its strategy. A function that works for several strategies names the prompts and
 * roles that it requires as `Prompt` and `Role`; a strategy without them does not compile.
 */
export interface StrategyContext<
  Options = unknown,
  Prompt extends string = never,
  Role extends string = never,
> extends CallContext<Prompt, Role> {
  /** Validated options with defaults filled in. */
  options: Options;
  effort: ThinkingEffort;
  /** Maximum number of follow-up calls that check the thinking. */
  followUps: number;
}

/** What strategies and routers have in common. */
interface TableEntry {
  /** One sentence that says what it does. */
  summary: string;
  /** For people: the number of upstream calls, and the time as a number of calls in sequence. */
  label: { calls: string; latency: string };
  /**
   * Mean number of upstream calls at medium effort, by which costs are estimated. Those of the
   * built-in strategies are measured in tests/bench/strategies.ts. Default: 1.
   */
  typicalCalls?: number;
  /** Id under which it is published if the configuration lists no models. */
  publishedAs?: string;
  options: z.ZodObject;
}

/** A way to turn a request into thinking and an answer. */
export interface Strategy extends TableEntry {
  /** Prompts by name. The configuration can replace each of them. */
  prompts: Readonly<Record<string, string>>;
  /** Roles of its calls. The configuration can give each its own model. */
  roles: readonly string[];
  /** The role that answers if the effort asks for no thinking. Default: `answer`. */
  plainRole?: string;
  /** Options that set a number of samples, which the operator can limit for clients. */
  sampleOptions?: readonly string[];
  /** Number of thinking calls that start together at first. Default: 0; one call does it all. */
  firstWave?: (options: never, effort: ThinkingEffort) => number;
  /** Default number of follow-ups. Without this function the strategy supports none. */
  followUps?: (effort: ThinkingEffort) => number;
  /** Runs the request. The last event is `finish`. */
  run: (context: StrategyContext<never, string, string>) => AsyncGenerator<ReasoningEvent>;
}

/** An entry that chooses another strategy for each request. */
export interface Router extends TableEntry {
  /** Returns the name of the strategy to run. */
  route: (request: ReasoningRequest, effort: Effort, routes: EffortRoutes) => string;
  /** Names of all strategies that `route` can return. */
  targets: (routes: EffortRoutes) => string[];
}

/** Strategies and routers, by the names that configuration and requests use. */
export type StrategyTable = Readonly<Record<string, Strategy | Router>>;

/** A strategy whose `run` fits the options, prompts and roles beside it. */
interface TypedStrategy<
  Options extends z.ZodObject,
  Prompts extends Readonly<Record<string, string>>,
  Role extends string,
> extends Omit<Strategy, "run" | "firstWave"> {
  options: Options;
  firstWave?: (options: z.output<Options>, effort: ThinkingEffort) => number;
  prompts: Prompts;
  roles: readonly Role[];
  plainRole?: NoInfer<Role>;
  run: (context: ContextOf<Options, Prompts, Role>) => AsyncGenerator<ReasoningEvent>;
}

/** The context of a strategy with these options, prompts and roles. */
export type ContextOf<
  Options extends z.ZodObject,
  Prompts extends Readonly<Record<string, string>>,
  Role extends string,
> = StrategyContext<z.output<Options>, keyof Prompts & string, Role>;

/** Types `run` by the options, prompts and roles that are declared beside it. */
export function defineStrategy<
  Options extends z.ZodObject,
  Prompts extends Readonly<Record<string, string>>,
  const Role extends string,
>(strategy: TypedStrategy<Options, Prompts, Role>): Strategy {
  return strategy;
}
