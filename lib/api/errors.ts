import { UpstreamError } from "../reasoning/events.ts";
import { RequestError } from "../reasoning/request.ts";

export interface ApiErrorOptions {
  /** OpenAI's error type. Default: by status. */
  type?: string;
  code?: string | null;
  /** Path of the invalid field. */
  param?: string | null;
  headers?: Record<string, string>;
  /**
   * Whether the same request may succeed later; sent as `x-should-retry`. Default: false for a
   * status below 500 other than 429, else undefined, which sends no header.
   */
  shouldRetry?: boolean;
  /** Cause of the error, for logs only. */
  cause?: unknown;
}

const TYPES: Readonly<Record<number, string>> = {
  429: "rate_limit_error",
  503: "service_unavailable_error",
};

/** A failure as the client sees it. Each dialect writes it in its own form. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Record<string, string>;
  readonly shouldRetry: boolean | undefined;

  constructor(readonly status: number, message: string, options: ApiErrorOptions = {}) {
    // A value of the client's may be cut within a character.
    super(message.toWellFormed(), options);
    this.type = options.type ?? TYPES[status] ??
      (status >= 500 ? "server_error" : "invalid_request_error");
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.headers = options.headers ?? {};
    this.shouldRetry = options.shouldRetry ?? (status < 500 && status !== 429 ? false : undefined);
  }
}

/** @param param path of the invalid field. */
export function invalidRequest(
  param: string | null,
  message: string,
  code: string | null = "invalid_value",
): ApiError {
  return new ApiError(400, message, { param, code });
}

/** The client has disconnected, or its request is incomplete. */
export class ClientGoneError extends Error {
  override readonly name = "ClientGoneError";
}

/**
 * Returns the type of an error that ends a stream. Once part of the answer was sent, it is one that
 * clients do not retry: a retry would repeat, and charge, the whole run.
 *
 * @param begun whether the client has received part of the answer.
 */
export function typeInStream({ status }: ApiError, type: string, begun: boolean): string {
  return begun && status >= 500 ? "invalid_request_error" : type;
}

/** Returns the error for anything thrown; an unexpected error becomes a 500 without details. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RequestError) return invalidRequest(error.param, error.message);
  if (error instanceof UpstreamError) return fromUpstream(error);
  // Reaches the client only if its connection is still open, for example after an invalid chunk.
  if (error instanceof ClientGoneError) return new ApiError(400, "The request is incomplete.");
  const message = "The server had an error while processing your request. Sorry about that!";
  return new ApiError(500, message, { cause: error });
}

function fromUpstream(error: UpstreamError): ApiError {
  const { status, code, message, retryAfterHeaders, isRetryable } = error;
  return new ApiError(status, message, {
    code,
    param: code === "context_length_exceeded" ? "messages" : null,
    ...(code === "insufficient_quota" ? { type: code } : {}),
    headers: status === 429 || status === 503 ? { ...retryAfterHeaders } : {},
    shouldRetry: isRetryable,
    cause: error,
  });
}
