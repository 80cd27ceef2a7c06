/**
 * The waist of the hourglass: strategies make these events, dialects turn them into bytes.
 * Neither side knows the other.
 *
 * @module
 */
import type { Usage } from "./usage.ts";

export { UpstreamError } from "../upstream/errors.ts";
export type { UpstreamErrorCode } from "../upstream/errors.ts";

/** Why a completion ended, in OpenAI's words. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** The structured form of a status line. */
export type StatusDetail =
  | { type: "call"; role: string; call: number }
  | {
    type: "tally";
    counts: { answer: string; votes: number }[];
    total: number;
  }
  | { type: "retry"; attempt: number; wait_ms: number };

/** A line about the work itself, for people; `detail` is the same for programs. */
export interface StatusEvent {
  /** Discriminator. */
  type: "status";
  /** One line without its line break. */
  text: string;
  /** The same, structured. */
  detail?: StatusDetail;
}

/** One of several answers that are compared has landed; for programs, that show them together. */
export interface CandidateEvent {
  /** Discriminator. */
  type: "candidate";
  /** Its number, from 0; a later one of the same number takes its place. */
  index: number;
  /** What it comes to; null where that could not be read. */
  answer: string | null;
  /** The whole of it. */
  text: string;
}

/** A step of thinking begins. Steps are numbered from 1. */
export interface StepStartEvent {
  /** Discriminator. */
  type: "step_start";
  /** The step's number, from 1. */
  step: number;
  /** Whether the step has a title of its own; free thinking has none. */
  titled: boolean;
}

/** A piece of a step's text, in order; of a titled step the title comes first. */
export interface ReasoningTextEvent {
  /** Discriminator. */
  type: "reasoning";
  /** The step's number, from 1. */
  step: number;
  /** Which of the step's two texts goes on. */
  part: "title" | "content";
  /** The next characters; never empty. */
  text: string;
}

/** A step is complete. */
export interface StepEndEvent {
  /** Discriminator. */
  type: "step_end";
  /** The step's number, from 1. */
  step: number;
  /** The whole title; empty where there is none. */
  title: string;
  /** The whole content. */
  content: string;
  /** How long the step took, in seconds. */
  seconds: number;
}

/** A piece of the visible answer. No reasoning follows it. */
export interface AnswerEvent {
  /** Discriminator. */
  type: "answer";
  /** The next characters; never empty. */
  text: string;
}

/** A piece of the model's refusal, which stands in the place of an answer. */
export interface RefusalEvent {
  /** Discriminator. */
  type: "refusal";
  /** The next characters; never empty. */
  text: string;
}

/** A piece of a tool call. `id` and `name` come in a call's first piece only. */
export interface ToolCallEvent {
  /** Discriminator. */
  type: "tool_call";
  /** Which of the parallel calls, from 0. */
  index: number;
  /** The call's id. */
  id?: string;
  /** The function's name. */
  name?: string;
  /** The next characters of the arguments' JSON. */
  arguments: string;
}

/** What the request used; comes once, just before the finish. */
export interface UsageEvent {
  /** Discriminator. */
  type: "usage";
  /** The sums over all upstream calls. */
  usage: Usage;
}

/** The completion is whole; nothing follows. */
export interface FinishEvent {
  /** Discriminator. */
  type: "finish";
  /** Why it ended. */
  reason: FinishReason;
  /** The stop sequence that ended it, where that is known: many upstreams do not tell. */
  stop?: string;
}

/** One event of a reasoning run. A failure is thrown, as an `UpstreamError`. */
export type ReasoningEvent =
  | StatusEvent
  | CandidateEvent
  | StepStartEvent
  | ReasoningTextEvent
  | StepEndEvent
  | AnswerEvent
  | RefusalEvent
  | ToolCallEvent
  | UsageEvent
  | FinishEvent;
