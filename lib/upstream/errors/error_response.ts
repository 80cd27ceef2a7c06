import { isObjectOrArray } from "../../json.ts";
import { startOf } from "../../text.ts";
import {
  type Overflow,
  UpstreamError,
  type UpstreamErrorCode,
  type UpstreamErrorOptions,
} from "./upstream_error.ts";

const CONTEXT_REGEXP =
  /context[_ ](length|window|size|limit)|maximum context|too many tokens|(prompt|input) is too long|exceeds? the (available )?context|reduce the length/i;

/** A request that can't succeed unchanged, although the status blames the server. */
const REFUSAL_REGEXP =
  /jinja|chat.?template|template(error| error| exception)|raise_exception|rendering prompt|(image|audio|video|file|multimodal)s?( input| content)?s? (is|are) not supported|unsupported content part|mmproj|cannot use tools|invalid_request|unsupported_(value|parameter)|invalid_argument|bad ?request/i;

export interface ErrorBody {
  message: string;
  /** Codes, types and the name of the field, joined; for matching only. */
  code: string;
}

/** Longest message and code, in characters: patterns that take quadratic time read them. */
export const MAX_ERROR_LENGTH = 1_000;

export function readErrorBody(body: string): ErrorBody {
  try {
    return readErrorJson(JSON.parse(body));
  } catch {
    return { message: "", code: "" };
  }
}

/** Longest list of details that is read. */
const MAX_DETAILS = 10;

function readErrorJson(json: unknown): ErrorBody {
  if (Array.isArray(json)) {
    const errors = json.slice(0, MAX_DETAILS).map(readErrorJson);
    const message = errors.map(({ message }) => message).filter(Boolean).join("; ");
    return { message: cutToWord(message), code: errors[0]?.code ?? "" };
  }
  if (typeof json === "string") return { message: cutToWord(json), code: "" };
  if (!isObjectOrArray(json)) return { message: "", code: "" };
  const { error, message, detail, code, type, status, param, loc, msg, metadata } = json;
  // OpenRouter's own message says only that the provider's follows.
  if (isObjectOrArray(metadata) && typeof metadata.raw === "string") {
    const { message: raw } = readErrorBody(metadata.raw);
    return { message: raw || cutToWord(metadata.raw), code: "" };
  }
  const inner = [error, message, detail].find(isObjectOrArray);
  if (inner !== undefined) return readErrorJson(inner);
  const isText = (value: unknown): value is string => typeof value === "string";
  const isCode = (value: unknown) => isText(value) || typeof value === "number";
  // FastAPI's form, of vLLM, Mistral and others.
  const path = Array.isArray(loc) ? `${loc.slice(0, 10).filter(isCode).join(".")}: ` : "";
  return {
    message: cutToWord(path + ([message, error, detail, msg].find(isText) ?? "")),
    code: cutToWord(
      [...[code, type, status].filter(isCode), ...isText(param) ? [`'${param}'`] : []].join(" "),
    ),
  };
}

/** Cuts a long text after a word, because a part of a key is not recognized as a key. */
function cutToWord(text: string): string {
  if (text.length <= MAX_ERROR_LENGTH) return text;
  return text.slice(0, text.lastIndexOf(" ", MAX_ERROR_LENGTH - 1) + 1);
}

/**
 * Returns the first line of a provider's message that has words, or the one with the reason of a
 * template, without URLs, keys and control characters.
 */
export function cleanMessage(message: string): string {
  const lines = message.split(/[\r\n]+/).filter((line) => /\w/.test(line));
  const line = lines.find((line) => /(exception|template ?error): ./i.test(line)) ?? lines[0] ?? "";
  const cleaned = line
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "[url]")
    .replace(/\b(sk|gsk|key|pk|xai|hf|r8|AIza)[-_][\w-]{6,}/gi, "[key]")
    .replace(/\bBearer\s+\S+/gi, "Bearer [key]")
    .replace(/(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}/gi, "[id]")
    .replace(/\p{Cc}/gu, " ");
  return startOf(cleaned, 300).trim();
}

/** Returns the error for an upstream's response with a status other than 200. */
export function errorFromStatus(
  status: number,
  body: ErrorBody,
  retryAfter: Pick<UpstreamErrorOptions, "retryAfterMs" | "retryAfterHeaders"> = {},
): UpstreamError {
  const options = { ...retryAfter, upstreamStatus: status, detail: cleanMessage(body.message) };
  const error = (code: UpstreamErrorCode, message: string, isRetryable = false) =>
    new UpstreamError(code, message, { ...options, isRetryable });
  // Waiting does not refill a spent quota.
  const quotaError = () =>
    error("insufficient_quota", "The upstream's quota is used up. Check its plan and billing.");
  const reason = endingWith(options.detail);
  switch (status) {
    case 402:
      return quotaError();
    case 401:
    case 403:
      return error(
        "upstream_auth_error",
        `The upstream rejected the server's credentials (${status})${
          status === 403 ? reason : "."
        }`,
      );
    case 404:
      return error("upstream_not_found", `The upstream does not know this model or path${reason}`);
    case 408:
    case 504:
      return error("upstream_timeout", "The upstream timed out.", true);
    case 409:
    case 425:
      return error("upstream_error", "The upstream could not accept the request.", true);
    case 429:
      if (/insufficient_quota|billing/i.test(body.code)) return quotaError();
      return error("rate_limit_exceeded", "The upstream's rate limit is reached.", true);
    case 508:
      // Other servers use this status for other failures.
      if (!body.code.includes("loop_detected")) break;
      return error("loop_detected", "The address of an upstream leads back to this server.");
    case 503:
    case 529:
      return error("upstream_overloaded", "The upstream is overloaded.", true);
  }
  if (status >= 500 && !matches(body, REFUSAL_REGEXP)) {
    return error("upstream_error", "The upstream failed.", true);
  }
  if (status >= 400) return rejection(body, options);
  return error(
    "upstream_error",
    `The upstream answered with status ${status}; its base_url may be wrong.`,
  );
}

/** Returns the end of a sentence: the upstream's reason, if there is one. */
function endingWith(reason: string): string {
  return reason === "" ? "." : `: ${reason}`;
}

/** Interprets a 400, 413, 422 or other status that blames the request. */
function rejection(
  body: ErrorBody,
  options: UpstreamErrorOptions & { detail: string },
): UpstreamError {
  const upstreamMessage = `${body.code} ${body.message}`;
  if (matches(body, CONTEXT_REGEXP)) {
    const overflow = readOverflow(body.message);
    const sizes = overflow === undefined
      ? "The conversation is longer than the model's maximum context length."
      : `The conversation has ${overflow.tokens} tokens, but the model's maximum context length ` +
        `is ${overflow.maximum}.`;
    return new UpstreamError("context_length_exceeded", `${sizes} Shorten the messages.`, {
      ...options,
      upstreamMessage,
      overflow,
    });
  }
  return new UpstreamError(
    "upstream_rejected",
    `The upstream rejected the request${endingWith(options.detail)}`,
    { ...options, upstreamMessage },
  );
}

/** The number of tokens that fit, as providers name it. */
const MAXIMUM_REGEXP =
  /(?:>|maximum|max|limit|context (?:length|window|size)|allowed)[^\d.;]{0,40}(\d[\d,]{0,11})/i;

/** Reads the sizes from a message. The size of the conversation is the largest number in it. */
function readOverflow(message: string): Overflow | undefined {
  const toNumber = (digits: string) => Number(digits.replaceAll(",", ""));
  const maximum = toNumber(MAXIMUM_REGEXP.exec(message)?.[1] ?? "");
  const tokens = Math.max(
    ...(message.match(/(?<![\w-])\d[\d,]{0,11}(?![\w-])/g) ?? []).map(toNumber),
  );
  return maximum > 0 && tokens > maximum ? { tokens, maximum } : undefined;
}

const matches = ({ code, message }: ErrorBody, pattern: RegExp) =>
  pattern.test(code) || pattern.test(message);

/** Statuses for error events without one, by what they say; in the order of precedence. */
const EVENT_STATUSES: readonly [pattern: RegExp, status: number][] = [
  [CONTEXT_REGEXP, 400],
  [/rate.?limit|too many requests|quota/i, 429],
  [/overload|unavailable/i, 503],
  [/authenti|permission|api.?key/i, 401],
  [/timeout|timed out/i, 408],
];

/** Returns the error for an error object in a stream or in a 200 response. */
export function errorFromEvent(error: unknown): UpstreamError {
  const body = readErrorJson(error);
  const status = Number(/\b[45]\d\d\b/.exec(body.code)?.[0] ?? 0) ||
    EVENT_STATUSES.find(([pattern]) => matches(body, pattern))?.[1] ||
    (/invalid_request/i.test(body.code) ? 400 : 500);
  return errorFromStatus(status, body);
}
