/**
 * HTTP status by wire code. A failure that only the operator can fix gets 424, or 402 for a spent
 * quota, because clients retry others: Codex a 502 30 times in 25 seconds, Continue a 429 30 times.
 */
const STATUS = {
  context_length_exceeded: 400,
  loop_detected: 508,
  insufficient_quota: 402,
  rate_limit_exceeded: 429,
  upstream_auth_error: 424,
  upstream_error: 502,
  upstream_not_found: 424,
  upstream_overloaded: 503,
  upstream_rejected: 400,
  upstream_timeout: 504,
  upstream_unreachable: 502,
};

/** Wire code of an upstream failure; determines the HTTP status that the client gets. */
export type UpstreamErrorCode = keyof typeof STATUS;

export interface UpstreamErrorOptions {
  /** Whether the same call may succeed later. Default: false. */
  isRetryable?: boolean;
  /** Delay that the upstream asked for, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The headers that asked for it, to forward unchanged. */
  retryAfterHeaders?: Readonly<Record<string, string>>;
  /** HTTP status of the upstream. */
  upstreamStatus?: number | undefined;
  /** Unredacted text of the upstream, for learning capabilities; never for clients or logs. */
  upstreamMessage?: string | undefined;
  /** Sizes of a conversation that is too long, if the upstream named them. */
  overflow?: Overflow | undefined;
  /** What the provider or the network said, without keys and addresses; for logs only. */
  detail?: string;
  /** Cause of the error, for logs only. */
  cause?: unknown;
}

/** Tokens of a conversation, and of the context that is smaller. */
export interface Overflow {
  tokens: number;
  maximum: number;
}

/**
 * A failed call to an upstream. The message is safe for clients: it contains no URL, no key and no
 * text of the upstream except the cleaned first line of a rejection.
 */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** HTTP status for the client. */
  readonly status: number;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly retryAfterHeaders: Readonly<Record<string, string>>;
  readonly upstreamStatus: number | undefined;
  readonly upstreamMessage: string | undefined;
  readonly overflow: Overflow | undefined;
  detail: string;

  constructor(
    readonly code: UpstreamErrorCode,
    message: string,
    options: UpstreamErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = STATUS[code];
    this.isRetryable = options.isRetryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.retryAfterHeaders = options.retryAfterHeaders ?? {};
    this.upstreamStatus = options.upstreamStatus;
    this.upstreamMessage = options.upstreamMessage;
    this.overflow = options.overflow;
    this.detail = options.detail ?? "";
  }
}
