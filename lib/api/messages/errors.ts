/**
 * Failures in Anthropic's shape.
 *
 * @see {@link https://docs.anthropic.com/en/api/errors}
 * @module
 */
import { type ApiError, errorResponse } from "../errors.ts";

/** Anthropic's status for a service that has too much to do. */
const OVERLOADED = 529;

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

function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** Claude Code shortens a conversation when it reads these words. */
function messageOf({ code, message }: ApiError): string {
  return code === "context_length_exceeded" ? `prompt is too long: ${message}` : message;
}

/** The HTTP status that a client of this API gets for one of OpenAI's. */
export function messagesStatus(status: number): number {
  return status === 503 ? OVERLOADED : status;
}

/** An HTTP answer that says what went wrong. */
export function messagesErrorResponse(error: ApiError, requestId: string): Response {
  const { headers, status } = errorResponse(error);
  const body = {
    type: "error",
    error: { type: typeOf(status), message: messageOf(error) },
    request_id: requestId,
  };
  return Response.json(body, { status: messagesStatus(status), headers });
}

/**
 * The last frame of a stream that failed. After work has been done the type is one that no
 * client takes as an invitation to run all of it again.
 *
 * @param begun whether the client has seen any of the work.
 */
export function messagesErrorFrame(error: ApiError, begun: boolean): string {
  const type = begun && error.status >= 500 ? "invalid_request_error" : typeOf(error.status);
  const body = { type: "error", error: { type, message: messageOf(error) } };
  return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
}
