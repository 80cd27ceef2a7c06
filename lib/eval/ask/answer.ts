/**
 * An answer, what it took, and why there is none.
 *
 * @module
 */

/** What a question took. Counts are tokens, summed over all upstream calls where that is told. */
export interface Measured {
  /** Upstream calls; 1 where nothing is told. */
  calls: number;
  /** Prompt tokens. */
  prompt_tokens: number;
  /** Generated tokens. */
  completion_tokens: number;
  /** Generated tokens that are no visible answer. */
  reasoning_tokens: number;
  /** USD, where the price is known. */
  cost?: number | undefined;
  /** Milliseconds until the stream had ended. */
  latency_ms: number;
  /** Milliseconds until the first text of reasoning; undefined where none came. */
  first_reasoning_ms?: number | undefined;
  /** Milliseconds until the first text of the answer; undefined where none came. */
  first_content_ms?: number | undefined;
}

/** A model's answer. */
export interface Answer {
  /** The answer's text, without the reasoning. */
  content: string;
  /** Why it ended. */
  finish: string | undefined;
  /** What it took. */
  measured: Measured;
}

/** No answer came. This is not a wrong answer. */
export class AskError extends Error {
  /** The name of the class. */
  override readonly name = "AskError";

  /** Creates an error with a code by which errors are counted. */
  constructor(
    /** The server's error code, or `http_500`, `connection_error`, `timeout`, `stream_cut`. */
    readonly code: string,
    message: string,
    /** Whether the same request may do better later. */
    readonly isRetryable = false,
    /** The wait that the server asks for, in milliseconds. */
    readonly waitMs?: number,
  ) {
    super(message);
  }
}

/** Why a request got no answer: of a failed fetch only the cause tells. */
export function connectionMessage(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const told = cause instanceof Error ? cause.message : message;
  return told.replace(/^error sending request for url \([^)]*\): /, "");
}

/** Code and message of an API's error object, in as far as they are there. */
export function readErrorObject(error: unknown): { code?: string; message?: string } {
  if (typeof error === "string") return { message: error };
  if (typeof error !== "object" || error === null) return {};
  const { code, type, message } = error as Record<string, unknown>;
  const name = [code, type].find((each) => typeof each === "string" && each !== "");
  return {
    ...(typeof name === "string" ? { code: name } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}
