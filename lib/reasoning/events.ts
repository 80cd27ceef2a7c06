/**
 * The events between strategies, which produce them, and dialects, which encode them as bytes.
 * Neither side knows the other.
 */
import type { ToolContent } from "../tools/tool.ts";
import type { AnswerParts, FinishReason } from "../upstream/wire/deltas.ts";
import type { MessageState } from "../upstream/wire/message_state.ts";
import type { ToolCallDelta } from "../upstream/wire/tool_calls.ts";
import type { CallUsage, Usage } from "./usage/meter.ts";

export type { AnswerParts, FinishReason } from "../upstream/wire/deltas.ts";

export { UpstreamError } from "../upstream/errors/upstream_error.ts";
export type { UpstreamErrorCode } from "../upstream/errors/upstream_error.ts";

/** A line that reports progress. */
export interface StatusEvent {
  type: "status";
  /** One line for people, without a line break. */
  text: string;
  /** The content of `text` in a form for programs. */
  detail?: {
    type: "tally";
    counts: { answer: string; votes: number }[];
    total: number;
  };
}

/** One of several answers that are compared is complete. */
export interface CandidateEvent {
  type: "candidate";
  /** Slot of the candidate, from 0; a later candidate replaces it. */
  index: number;
  /** The extracted answer; null if none was found. */
  answer: string | null;
  /** The whole text. */
  text: string;
}

/** The next piece of a step's text. All of the title comes before the content. */
export interface ReasoningTextEvent {
  type: "reasoning";
  /** Number of the step, from 1. */
  step: number;
  /** Which of the step's two texts continues. */
  part: "title" | "content";
  /** Never empty. */
  text: string;
}

/** A step of thinking is complete. */
export interface StepEndEvent {
  type: "step_end";
  /** Number of the step, from 1. */
  step: number;
  /** The whole title; empty if the step is untitled. */
  title: string;
  /** The whole content. */
  content: string;
  /** Duration of the step. */
  seconds: number;
}

/** The next piece of a tool call. */
export interface ToolCallEvent extends ToolCallDelta {
  type: "tool_call";
}

/** The server begins to run a tool that the model has called. Tool uses come before the answer. */
export interface ToolStartEvent {
  type: "tool_start";
  /** Id of the use, unique in the run. */
  id: string;
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
  /** Id of the client's approval, if the call needed it. */
  approval?: string;
}

/** What a tool has reported so far, or has returned. */
export interface ToolOutputEvent {
  type: "tool_output";
  id: string;
  /** The content that the model gets, but not shortened. */
  content: readonly ToolContent[];
  citations?: readonly { url: string; title: string }[];
  /** Whether more follows. */
  isProgress: boolean;
}

/** A tool has ended. */
export interface ToolEndEvent {
  type: "tool_end";
  id: string;
  name: string;
  isError: boolean;
  seconds: number;
}

/** An event of the use of a tool. */
export type ToolUseEvent = ToolStartEvent | ToolOutputEvent | ToolEndEvent;

/** What records of calls and of tool runs have in common. */
interface Recorded {
  /**
   * Number of the call that the strategy made, from 1. With tools of the server it consists of
   * several upstream calls and the runs of tools between them.
   */
  task: number;
  /** Seconds since the run began, as the other times. */
  start: number;
  end: number;
}

/** An upstream call that has ended. */
export interface CallRecord extends Recorded, CallUsage {
  type: "call";
  /** The role of the strategy that made the call. */
  role: string;
  /** When the first token arrived; absent if none did. */
  first?: number;
  /** Number of requests sent, retries included. */
  attempts: number;
  outcome: "ok" | "failed" | "cancelled";
  texts?: CallTexts;
}

/** What a call was about. */
export interface CallTexts {
  prompt: PromptMessage[];
  /** The reasoning before the output. */
  thinking: string;
  output: string;
}

/** A message is sent whole with the first call that has it; later ones repeat its number alone. */
export interface PromptMessage {
  /** Number of the message within the run, from 0. */
  message: number;
  role?: string;
  text?: string;
}

/** A run of one of the server's tools that has ended. */
export interface ToolRecord extends Recorded {
  type: "tool";
  name: string;
  outcome: "ok" | "error" | "cancelled";
  texts?: { arguments: string; output: string };
}

/** What has ended, an upstream call or the run of a tool. */
export type RunRecord = CallRecord | ToolRecord;

/** The last event. */
export interface FinishEvent {
  type: "finish";
  reason: FinishReason;
  /** The stop sequence that ended the answer, if known; many upstreams do not report it. */
  stop?: string;
}

/**
 * An event of one of several answers, numbered from 0; usage is that of all. With records it has its
 * time, in seconds since the run began.
 */
export type ChoiceEvent = ReasoningEvent & { choice?: number; at?: number };

/** One event of a run. Failures are thrown as `UpstreamError`. */
export type ReasoningEvent =
  | StatusEvent
  | CandidateEvent
  /** A step of thinking begins, numbered from 1. Free thinking has no title. */
  | { type: "step_start"; step: number; titled: boolean }
  | ReasoningTextEvent
  | StepEndEvent
  /** The next piece of the visible answer; never empty. No reasoning follows it. */
  | { type: "answer"; text: string }
  /** The next piece of the model's refusal, which takes the place of an answer; never empty. */
  | { type: "refusal"; text: string }
  | ToolCallEvent
  | ToolUseEvent
  /** Other parts of the answer, under the names of Chat Completions. */
  | { type: "parts"; parts: AnswerParts }
  /** A piece of what the provider wants back with the answer, unread. */
  | { type: "state"; state: MessageState }
  /** The conversation was summarised before it was answered. The summary is private. */
  | { type: "compaction"; summary: string }
  /** A call or the run of a tool has ended. Only in runs whose client wants records. */
  | { type: "record"; record: RunRecord }
  /** What the request used. Sent once, just before `finish`. */
  | { type: "usage"; usage: Usage }
  /** A background run starts again on another server; what it wrote before does not count. */
  | { type: "restart" }
  | FinishEvent;

/** Whether an event is the answer or replaces it, so that no thinking follows. */
export function endsThinking({ type }: ReasoningEvent): boolean {
  return type === "answer" || type === "refusal" || type === "tool_call" || type === "parts" ||
    type === "finish";
}
