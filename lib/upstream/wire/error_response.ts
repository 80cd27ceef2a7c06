/**
 * From an upstream's HTTP status or error event to an {@linkcode UpstreamError}.
 *
 * @module
 */
import { UpstreamError, type UpstreamErrorOptions } from "../errors.ts";

const CONTEXT =
  /context[_ ](length|window|size|limit)|maximum context|too many tokens|(prompt|input) is too long|exceeds? the (available )?context|reduce the length/i;

/** A provider's error body in as far as it is understood. */
export interface ErrorBody {
  /** The provider's message. */
  message: string;
  /** Its codes and types, joined; for matching only. */
  code: string;
}

/** Reads an error body of any provider's shape. */
export function readErrorBody(body: string): ErrorBody {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: "", code: "" };
  }
  return readErrorJson(json);
}

function readErrorJson(json: unknown): ErrorBody {
  if (Array.isArray(json)) return readErrorJson(json[0]);
  if (typeof json === "string") return { message: json, code: "" };
  if (typeof json !== "object" || json === null) {
    return { message: "", code: "" };
  }
  const fields = json as Record<string, unknown>;
  if (typeof fields.error === "object" && fields.error !== null) {
    return readErrorJson(fields.error);
  }
  const message = [fields.message, fields.error, fields.detail].find((value) =>
    typeof value === "string"
  );
  const code = [fields.code, fields.type, fields.status].filter((value) =>
    typeof value === "string" || typeof value === "number"
  ).join(" ");
  return { message: typeof message === "string" ? message : "", code };
}

/** The first line of an upstream's message without URLs, keys and control characters. */
export function cleanMessage(message: string): string {
  const line = message.split(/[\r\n]/, 1)[0]!;
  return line
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "[url]")
    .replace(/\b(sk|gsk|key|pk|xai|hf|r8|AIza)[-_][\w-]{6,}/gi, "[key]")
    .replace(/\bBearer\s+\S+/gi, "Bearer [key]")
    .replace(/(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}/gi, "[id]")
    .replace(/\p{Cc}/gu, " ")
    .toWellFormed().slice(0, 300).replace(/[\ud800-\udbff]$/, "").trim();
}

/**
 * The error for an upstream's answer with a status other than 200. The contract's table decides.
 *
 * @param retryAfterMs what the upstream's headers asked for.
 * @param retryAfterHeaders the headers themselves.
 */
export function errorFromStatus(
  status: number,
  body: ErrorBody,
  retryAfterMs?: number,
  retryAfterHeaders: Readonly<Record<string, string>> = {},
): UpstreamError {
  const common = { upstreamStatus: status, retryAfterMs, retryAfterHeaders };
  const retry = { ...common, isRetryable: true };
  if (status === 401 || status === 402 || status === 403) {
    return new UpstreamError(
      "upstream_auth_error",
      `The upstream refused the server's credentials (${status}).`,
      common,
    );
  }
  if (status === 404) {
    return new UpstreamError(
      "upstream_not_found",
      "The upstream does not know this model or path.",
      common,
    );
  }
  if (status === 408 || status === 504) {
    return new UpstreamError(
      "upstream_timeout",
      "The upstream timed out.",
      retry,
    );
  }
  if (status === 409 || status === 425) {
    return new UpstreamError(
      "upstream_error",
      "The upstream could not take the request.",
      retry,
    );
  }
  if (status === 429) {
    return new UpstreamError(
      "rate_limit_exceeded",
      "The upstream's rate limit is reached.",
      {
        ...common,
        // A spent quota is not refilled by waiting.
        isRetryable: !/insufficient_quota|billing/i.test(body.code),
      },
    );
  }
  if (status === 503 || status === 529) {
    return new UpstreamError(
      "upstream_overloaded",
      "The upstream is overloaded.",
      retry,
    );
  }
  if (status >= 500) {
    return new UpstreamError("upstream_error", "The upstream failed.", retry);
  }
  if (status >= 400) return refusal(body, common);
  return new UpstreamError(
    "upstream_error",
    `The upstream answered with status ${status}; its base_url may be wrong.`,
    common,
  );
}

function refusal(
  body: ErrorBody,
  common: UpstreamErrorOptions,
): UpstreamError {
  const options = {
    ...common,
    upstreamMessage: `${body.code} ${body.message}`,
  };
  if (CONTEXT.test(body.code) || CONTEXT.test(body.message)) {
    return new UpstreamError(
      "context_length_exceeded",
      "The conversation is longer than the model's context. Shorten the messages.",
      options,
    );
  }
  const said = cleanMessage(body.message);
  return new UpstreamError(
    "upstream_rejected",
    said === "" ? "The upstream refused the request." : `The upstream refused the request: ${said}`,
    options,
  );
}

/** The error for an error object inside a stream or beside a 200. */
export function errorFromEvent(error: unknown): UpstreamError {
  const body = readErrorJson(error);
  const status = Number(/\b[45]\d\d\b/.exec(body.code)?.[0]);
  if (status) return errorFromStatus(status, body);
  const is = (pattern: RegExp) => pattern.test(body.code) || pattern.test(body.message);
  if (CONTEXT.test(body.code) || CONTEXT.test(body.message)) {
    return errorFromStatus(400, body);
  }
  if (is(/rate.?limit|too many requests|quota/i)) {
    return errorFromStatus(429, body);
  }
  if (is(/overload|unavailable/i)) return errorFromStatus(503, body);
  if (is(/authenti|permission|api.?key/i)) return errorFromStatus(401, body);
  if (is(/timeout|timed out/i)) return errorFromStatus(408, body);
  if (/invalid_request/i.test(body.code)) return errorFromStatus(400, body);
  return errorFromStatus(500, body);
}
