/**
 * What every wire dialect gives to the server: how the answer of one request is written.
 *
 * @module
 */
import type { FinishReason, ReasoningEvent } from "../reasoning/events.ts";
import type { ApiError } from "./errors.ts";

/** Writes the frames of one stream. */
export interface Encoder {
  /** The frames that come first. */
  start(): string;
  /** The frames that an event adds; a promise where they have to wait for something. */
  encode(event: ReasoningEvent): string | Promise<string>;
  /**
   * The frames that end a stream which failed.
   *
   * @param begun whether the client has seen any of the work.
   */
  fail(error: ApiError, begun: boolean): string | Promise<string>;
}

/** Gathers the events of a run into one object. */
export interface Collector {
  /** Takes the next event; what it returns is waited for. */
  push(event: ReasoningEvent): unknown;
  /**
   * The answer, as far as it has come.
   *
   * @param cut why it was cut short, if it was.
   */
  whole(cut?: FinishReason): unknown;
  /** The answer that tells a failure, in dialects that have one. */
  failed?(error: ApiError): unknown;
}

/** The two ways to write one answer. */
export interface AnswerWriter {
  /** Creates the writer of the stream. */
  encoder(): Encoder;
  /** Creates the writer of the object. */
  collector(): Collector;
  /** What a stream says in silence; default: a comment. */
  keepalive?: string;
}
