/**
 * Errors in Anthropic's format.
 *
 * @see {@link https://docs.anthropic.com/en/api/errors}
 */
import { UpstreamError } from "../../reasoning/events.ts";
import { type ApiError, typeInStream } from "../errors.ts";
import { eventFrame } from "../sse_writer.ts";

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

function typeOf({ code, status }: ApiError): string {
  if (code === "insufficient_quota") return "billing_error";
  return TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** Claude Code shortens the conversation when a message starts with "prompt is too long". */
function messageOf({ code, message, cause }: ApiError): string {
  if (code !== "context_length_exceeded") return message;
  const overflow = cause instanceof UpstreamError ? cause.overflow : undefined;
  const sizes = overflow && `${overflow.tokens} tokens > ${overflow.maximum} maximum`;
  return `prompt is too long: ${sizes ?? message}`;
}

export function messagesErrorBody(error: ApiError, requestId: string): Record<string, unknown> {
  return {
    type: "error",
    error: { type: typeOf(error), message: messageOf(error) },
    request_id: requestId,
  };
}

/** The last frame of a failed stream. */
export function messagesErrorFrame(error: ApiError, begun: boolean): string {
  const type = typeInStream(error, typeOf(error), begun);
  return eventFrame({ type: "error", error: { type, message: messageOf(error) } });
}
