import { ApiError, ClientGoneError, toApiError } from "../../api/errors.ts";
import { UpstreamError, type UpstreamErrorCode } from "../../reasoning/events.ts";
import { RequestError } from "../../reasoning/request.ts";
import type { CallEnd } from "../../upstream/observer.ts";

const BY_UPSTREAM_CODE: Readonly<Record<UpstreamErrorCode, string>> = {
  context_length_exceeded: "client_context_length",
  insufficient_quota: "upstream_quota",
  loop_detected: "server_loop",
  rate_limit_exceeded: "upstream_rate_limit",
  upstream_auth_error: "upstream_auth",
  upstream_error: "upstream_error",
  upstream_not_found: "upstream_not_found",
  upstream_overloaded: "upstream_overloaded",
  upstream_rejected: "upstream_rejected",
  upstream_timeout: "upstream_timeout",
  upstream_unreachable: "upstream_unreachable",
};

const BY_STATUS: Readonly<Record<number, string>> = {
  401: "client_unauthorized",
  402: "policy_quota",
  403: "policy_forbidden",
  404: "client_not_found",
  413: "client_too_large",
  429: "policy_rate_limit",
  503: "server_unavailable",
  504: "server_timeout",
  508: "server_loop",
};

/** Every value of `error.type` of a request. */
export const ERROR_TYPES: ReadonlySet<string> = new Set([
  ...Object.values(BY_UPSTREAM_CODE),
  ...Object.values(BY_STATUS),
  "client_invalid_request",
  "client_left",
  "server_error",
  "server_shutdown",
]);

/**
 * Returns the `error.type` of a request. Its prefix says what is at fault: `client_` the request,
 * `policy_` a limit set for the client, `upstream_` the provider, `server_` this server.
 */
export function errorType(error: unknown): string {
  if (error instanceof ClientGoneError) return "client_left";
  if (error instanceof RequestError) return "client_invalid_request";
  if (error instanceof UpstreamError) return BY_UPSTREAM_CODE[error.code];
  if (!(error instanceof ApiError)) return "server_error";
  if (error.cause instanceof UpstreamError) return BY_UPSTREAM_CODE[error.cause.code];
  if (error.code === "insufficient_quota") return "policy_quota";
  if (error.code === "server_shutdown") return "server_shutdown";
  return BY_STATUS[error.status] ??
    (error.status >= 500 ? "server_error" : "client_invalid_request");
}

/** Returns the status for metrics and logs; 499, as in nginx, if the client disconnected. */
export function statusOf(error: unknown): number {
  return error instanceof ClientGoneError ? 499 : toApiError(error).status;
}

/** Returns the `error.type` of an upstream call; undefined if it succeeded. */
export function callErrorType(end: CallEnd): string | undefined {
  return end === "ok" ? undefined : end === "cancelled" ? end : errorType(end);
}
