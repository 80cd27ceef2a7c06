/**
 * What can go wrong with an upstream, decided where it happens.
 *
 * @module
 */

/** The wire codes that an upstream's failure can have. */
export type UpstreamErrorCode =
  | "context_length_exceeded"
  | "rate_limit_exceeded"
  | "upstream_auth_error"
  | "upstream_error"
  | "upstream_not_found"
  | "upstream_overloaded"
  | "upstream_rejected"
  | "upstream_timeout"
  | "upstream_unreachable";

/** Details of an {@linkcode UpstreamError}. */
export interface UpstreamErrorOptions {
  /** HTTP status for the client; default: the code's own. */
  status?: number;
  /** Whether the same call may do better later. Default: false. */
  isRetryable?: boolean;
  /** How long the upstream asked to be left alone, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The same as its headers said it, to be passed on unchanged. */
  retryAfterHeaders?: Readonly<Record<string, string>>;
  /** The upstream's own HTTP status, where there was one. */
  upstreamStatus?: number | undefined;
  /** The upstream's own words, to learn from; never for clients or logs. */
  upstreamMessage?: string | undefined;
  /** What caused it; for logs only. */
  cause?: unknown;
}

const STATUS: Record<UpstreamErrorCode, number> = {
  context_length_exceeded: 400,
  rate_limit_exceeded: 429,
  upstream_auth_error: 502,
  upstream_error: 502,
  upstream_not_found: 502,
  upstream_overloaded: 503,
  upstream_rejected: 400,
  upstream_timeout: 504,
  upstream_unreachable: 502,
};

/**
 * A call to an upstream failed. The message is fit for clients: it names no URL, no key and no
 * text of the upstream's but the cleaned first line of a refusal.
 */
export class UpstreamError extends Error {
  /** The name of the class. */
  override readonly name = "UpstreamError";
  /** HTTP status for the client. */
  readonly status: number;
  /** Whether the same call may do better later. */
  readonly isRetryable: boolean;
  /** How long the upstream asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The same as its headers said it, to be passed on unchanged. */
  readonly retryAfterHeaders: Readonly<Record<string, string>>;
  /** The upstream's own HTTP status, where there was one. */
  readonly upstreamStatus: number | undefined;
  /** The upstream's own words, to learn from; never for clients or logs. */
  readonly upstreamMessage: string | undefined;

  /** Creates an error with a wire code and a message for clients. */
  constructor(
    /** The wire code. */
    readonly code: UpstreamErrorCode,
    message: string,
    options: UpstreamErrorOptions = {},
  ) {
    super(
      message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.status = options.status ?? STATUS[code];
    this.isRetryable = options.isRetryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.retryAfterHeaders = options.retryAfterHeaders ?? {};
    this.upstreamStatus = options.upstreamStatus;
    this.upstreamMessage = options.upstreamMessage;
  }
}
