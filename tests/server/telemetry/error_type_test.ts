import { assertEquals, assertMatch } from "@std/assert";
import { ApiError, ClientGoneError, invalidRequest, toApiError } from "../../../lib/api/errors.ts";
import { UpstreamError, type UpstreamErrorCode } from "../../../lib/reasoning/events.ts";
import { RequestError } from "../../../lib/reasoning/request.ts";
import {
  callErrorType,
  ERROR_TYPES,
  errorType,
  statusOf,
} from "../../../lib/server/telemetry/error_type.ts";

const upstream = (code: UpstreamErrorCode) => new UpstreamError(code, "No.");
const api = (status: number, code: string | null = null) => new ApiError(status, "No.", { code });

const CASES: [unknown, string][] = [
  [new ClientGoneError("gone"), "client_left"],
  [new RequestError("reasoning.strategy", "No."), "client_invalid_request"],
  [invalidRequest("messages", "No."), "client_invalid_request"],
  [api(401, "invalid_api_key"), "client_unauthorized"],
  [api(402), "policy_quota"],
  [api(403), "policy_forbidden"],
  [api(404, "model_not_found"), "client_not_found"],
  [api(405, "method_not_supported"), "client_invalid_request"],
  [api(409), "client_invalid_request"],
  [api(413), "client_too_large"],
  [api(429, "rate_limit_exceeded"), "policy_rate_limit"],
  [api(429, "insufficient_quota"), "policy_quota"],
  [api(500), "server_error"],
  [api(503), "server_unavailable"],
  [api(503, "server_shutdown"), "server_shutdown"],
  [api(504, "request_timeout"), "server_timeout"],
  [api(508, "loop_detected"), "server_loop"],
  [upstream("context_length_exceeded"), "client_context_length"],
  [upstream("insufficient_quota"), "upstream_quota"],
  [upstream("loop_detected"), "server_loop"],
  [upstream("rate_limit_exceeded"), "upstream_rate_limit"],
  [upstream("upstream_auth_error"), "upstream_auth"],
  [upstream("upstream_error"), "upstream_error"],
  [upstream("upstream_not_found"), "upstream_not_found"],
  [upstream("upstream_overloaded"), "upstream_overloaded"],
  [upstream("upstream_rejected"), "upstream_rejected"],
  [upstream("upstream_timeout"), "upstream_timeout"],
  [upstream("upstream_unreachable"), "upstream_unreachable"],
  [toApiError(upstream("rate_limit_exceeded")), "upstream_rate_limit"],
  [new TypeError("an internal error"), "server_error"],
  [new DOMException("aborted", "AbortError"), "server_error"],
  ["a text", "server_error"],
];

Deno.test("every error has one type, whose prefix says who is at fault", () => {
  for (const [error, type] of CASES) assertEquals(errorType(error), type, String(error));
  const reached = new Set(CASES.map(([, type]) => type));
  assertEquals([...reached].sort(), [...ERROR_TYPES].sort());
  for (const type of reached) assertMatch(type, /^(client|policy|upstream|server)_[a-z_]+$/);
});

Deno.test("a successful upstream call has no type, and an aborted one is cancelled", () => {
  assertEquals(callErrorType("ok"), undefined);
  assertEquals(callErrorType("cancelled"), "cancelled");
  assertEquals(callErrorType(upstream("upstream_timeout")), "upstream_timeout");
});

Deno.test("an error counts under its own status, and a disconnected client under 499", () => {
  assertEquals(statusOf(new ClientGoneError("gone")), 499);
  assertEquals(statusOf(upstream("upstream_overloaded")), 503);
  assertEquals(statusOf(new TypeError("an internal error")), 500);
});
