import { z } from "zod";
import { isObject, tryParse } from "../../json.ts";

/** Counts are sums over all upstream calls if the server reports them. */
export const measuredSchema = z.object({
  /** Upstream calls; 1 if the server does not report them. */
  calls: z.number(),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  reasoning_tokens: z.number(),
  /** USD; missing if the price is unknown. */
  cost: z.number().optional(),
  /** Time to the end of the stream. */
  latency_ms: z.number(),
  /** Time to the first text of reasoning; missing if there was none. */
  first_reasoning_ms: z.number().optional(),
  /** Time to the first text of the answer; missing if there was none. */
  first_content_ms: z.number().optional(),
});

export type Measured = z.infer<typeof measuredSchema>;

export interface Answer {
  /** The text without the reasoning. */
  content: string;
  finish: string | undefined;
  measured: Measured;
}

/** No answer was received. This is different from a wrong answer. */
export class AskError extends Error {
  override readonly name = "AskError";

  constructor(
    /** The server's error code, or `http_500`, `connection_error`, `timeout`, `stream_cut`. */
    readonly code: string,
    message: string,
    readonly isRetryable = false,
    /** Delay that the server asks for, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** Returns the message of a failed fetch, which only its cause explains. */
export function connectionMessage(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return (cause instanceof Error ? cause.message : message)
    .replace(/^error sending request for url \([^)]*\): /, "");
}

interface ApiError {
  code?: string;
  message?: string;
}

export function readErrorObject(error: unknown): ApiError {
  if (typeof error === "string") return { message: error };
  const { code, type, message } = isObject(error) ? error : {};
  const name = [code, type].find((value) => typeof value === "string" && value !== "");
  return {
    ...(typeof name === "string" ? { code: name } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}

export function readErrorBody(body: string): ApiError {
  const json = tryParse(body);
  return readErrorObject(isObject(json) ? json.error : undefined);
}
