import type { FinishReason, ReasoningEvent } from "../reasoning/events.ts";
import type { ApiError } from "./errors.ts";
import type { ListedModel, ModelListing } from "./models.ts";

/** Everything in which dialects differ, except for request bodies and answers. */
export interface Dialect {
  /**
   * Returns true if a request is in this dialect.
   *
   * @param path without the `/v1` prefix.
   */
  matches(path: string, headers: Headers): boolean;
  /** Maps the status code of an error in OpenAI's API to the status code that this dialect sends. */
  statusCode(status: number, code: string | null): number;
  errorBody(error: ApiError, requestId: string): unknown;
  /** Response header with the request's id, in addition to `x-request-id`. */
  requestIdHeader?: string;
  /** @param created seconds since 1970. */
  model(model: ListedModel, created: number): unknown;
  modelList(listing: ModelListing): unknown;
}

/** Returns true for the path itself and all paths below it. */
export function isAtOrBelow(path: string, root: string): boolean {
  return path.startsWith(root) && (path.length === root.length || path[root.length] === "/");
}

/** Writes the frames of one stream. */
export interface Encoder {
  start(): string;
  encode(event: ReasoningEvent): string | Promise<string>;
  /**
   * Returns the frames that end a failed stream. If it throws, the connection is closed.
   *
   * @param begun whether the client has received part of the answer.
   */
  fail(error: ApiError, begun: boolean): string | Promise<string>;
}

/** Collects the events of a run into one JSON body. */
export interface Collector {
  /** The caller awaits a returned promise. */
  push(event: ReasoningEvent): unknown;
  /**
   * Returns the answer so far.
   *
   * @param cut why it is incomplete, if it is.
   */
  whole(cut?: FinishReason): unknown;
  /** Returns the body of a failed answer, in dialects that have one. */
  failed?(error: ApiError): unknown;
}

/** Writes one answer, as a stream or as one JSON body. */
export interface AnswerWriter {
  encoder(): Encoder;
  collector(): Collector;
  /** Frame sent during silence. Default: a comment. */
  keepalive?: string;
}
