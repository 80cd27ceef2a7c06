/**
 * Every failure as OpenAI's error object: the one place where errors meet the wire.
 *
 * @module
 */
import { UpstreamError } from "../reasoning/events.ts";
import { RequestError } from "../reasoning/request.ts";

/** Details of an {@linkcode ApiError}. */
export interface ApiErrorOptions {
  /** OpenAI's error type. Default: `invalid_request_error`, from status 500 on `server_error`. */
  type?: string;
  /** OpenAI's error code. */
  code?: string | null;
  /** The field at fault. */
  param?: string | null;
  /** Headers that go with the answer. */
  headers?: Record<string, string>;
  /** Whether the same request may do better later; sent as `x-should-retry`. */
  shouldRetry?: boolean;
  /** What caused it; for logs only. */
  cause?: unknown;
}

/** A failure with the status and the error object that a client gets. */
export class ApiError extends Error {
  /** The name of the class. */
  override readonly name = "ApiError";
  /** OpenAI's error type. */
  readonly type: string;
  /** OpenAI's error code. */
  readonly code: string | null;
  /** The field at fault. */
  readonly param: string | null;
  /** Headers that go with the answer. */
  readonly headers: Record<string, string>;
  /** Whether the same request may do better later; undefined: nobody knows. */
  readonly shouldRetry: boolean | undefined;

  /** Creates an error with an HTTP status and a message for clients. */
  constructor(
    /** The HTTP status. */
    readonly status: number,
    message: string,
    options: ApiErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = options.type ?? (status >= 500 ? "server_error" : "invalid_request_error");
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.headers = options.headers ?? {};
    this.shouldRetry = options.shouldRetry ?? (status < 500 && status !== 429 ? false : undefined);
  }
}

/** A field of the request is wrong. */
export function invalidRequest(
  param: string | null,
  message: string,
  code: string | null = "invalid_value",
): ApiError {
  return new ApiError(400, message, { param, code });
}

/** The client has left; nobody sees this. */
export class ClientGoneError extends Error {
  /** The name of the class. */
  override readonly name = "ClientGoneError";
}

/** Turns whatever was thrown into what a client may see. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RequestError) return invalidRequest(error.param, error.message);
  if (error instanceof UpstreamError) return fromUpstream(error);
  return new ApiError(
    500,
    "The server had an error while processing your request. Sorry about that!",
    { cause: error },
  );
}

function fromUpstream(error: UpstreamError): ApiError {
  const headers = error.status === 429 || error.status === 503 ? error.retryAfterHeaders : {};
  return new ApiError(error.status, error.message, {
    code: error.code,
    param: error.code === "context_length_exceeded" ? "messages" : null,
    ...(error.status === 429 ? { type: "rate_limit_error" } : {}),
    ...(error.status === 503 ? { type: "service_unavailable_error" } : {}),
    headers: { ...headers },
    shouldRetry: error.isRetryable,
    cause: error,
  });
}

/** The error object. */
export interface ErrorBody {
  /** OpenAI's error. */
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** The error object of an error; all four keys are always there. */
export function errorBody({ message, type, param, code }: ApiError): ErrorBody {
  return { error: { message, type, param, code } };
}

/** An HTTP answer that says what went wrong. */
export function errorResponse(error: ApiError): Response {
  const response = Response.json(errorBody(error), {
    status: error.status,
    headers: error.headers,
  });
  if (error.shouldRetry !== undefined) {
    response.headers.set("x-should-retry", String(error.shouldRetry));
  }
  return response;
}

/**
 * The last frame of a stream that failed. After work has been done the type is one that no
 * client takes as an invitation to run all of it again.
 *
 * @param begun whether the client has seen any of the work.
 */
export function errorFrame(error: ApiError, begun: boolean): string {
  const body = errorBody(error);
  if (begun && error.status >= 500) body.error.type = "invalid_request_error";
  return `data: ${JSON.stringify(body)}\n\n`;
}
