/**
 * Faults that an upstream reports by a status, and retries, fallbacks and keys.
 *
 * @module
 */
import {
  body,
  failure,
  halfThen,
  head,
  healthy,
  piece,
  reasoning,
} from "../../support/faulty/answers.ts";
import {
  answerFailed,
  bothModes,
  brokenHalfway,
  error,
  errors,
  fallenBack,
  type Fault,
  onAnswer,
  onFirstThought,
  times,
  whole,
} from "./fault.ts";
import { close, hang, type Script } from "../../support/faulty/upstream.ts";

const STATUSES: readonly [upstream: number, status: number, code: string, requests: number][] = [
  [400, 400, "upstream_rejected", 1],
  [401, 424, "upstream_auth_error", 1],
  [402, 402, "insufficient_quota", 1],
  [403, 424, "upstream_auth_error", 1],
  [404, 424, "upstream_not_found", 1],
  [408, 504, "upstream_timeout", 3],
  [409, 502, "upstream_error", 3],
  [413, 400, "upstream_rejected", 1],
  [422, 400, "upstream_rejected", 1],
  [425, 502, "upstream_error", 3],
  [500, 502, "upstream_error", 3],
  [502, 502, "upstream_error", 3],
  [503, 503, "upstream_overloaded", 3],
  [504, 504, "upstream_timeout", 3],
  [529, 503, "upstream_overloaded", 3],
];

const limited = (headers: Record<string, string>) => () => failure(429, undefined, headers);
const tooMany = (requests: number, headers?: Record<string, RegExp>) =>
  error(429, "rate_limit_exceeded", requests, headers);
const inOneMinute = () => new Date(Date.now() + 60_000).toUTCString();
const ONCE = { retry: { max_attempts: 1 } };
const CONTEXT = {
  message: "This model's maximum context length is 8192 tokens.",
  code: "context_length_exceeded",
};
const withKeys = (isDead: (key: string) => boolean): Fault["play"] => (call) =>
  isDead(call.headers.get("authorization") ?? "") ? failure(401) : healthy(call);
const KEYS = { api_key: ["key-1", "key-2", "key-3"] };

export const STATUS_FAULTS: readonly Fault[] = [
  ...STATUSES.map(([upstream, status, code, requests]): Fault => ({
    name: `status ${upstream}`,
    play: () => failure(upstream),
    outcomes: error(status, code, requests),
  })),
  {
    name: "context overflow",
    play: () => failure(400, CONTEXT),
    // When a thinking call does not fit, the answer may.
    outcomes: {
      direct: error(400, "context_length_exceeded", 1).direct,
      steps: error(400, "context_length_exceeded", 2).steps,
    },
  },
  { name: "429", play: limited({}), outcomes: tooMany(3) },
  {
    name: "429 with a short retry-after",
    play: limited({ "retry-after": "0" }),
    outcomes: tooMany(3, { "retry-after": /^0$/ }),
  },
  {
    name: "429 with a short retry-after-ms",
    play: limited({ "retry-after-ms": "20" }),
    outcomes: tooMany(3, { "retry-after-ms": /^20$/ }),
  },
  {
    name: "429 with a long retry-after",
    play: limited({ "retry-after": "30" }),
    outcomes: tooMany(1, { "retry-after": /^30$/ }),
  },
  {
    name: "429 with a date as retry-after",
    play: () => failure(429, undefined, { "retry-after": inOneMinute() }),
    outcomes: tooMany(1, { "retry-after": /^\w{3}, .* GMT$/ }),
  },
  {
    name: "429 with a date in the past",
    play: limited({ "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }),
    outcomes: tooMany(3),
  },
  {
    name: "429 with an absurd retry-after",
    play: limited({ "retry-after": "99999999999" }),
    outcomes: tooMany(1, { "retry-after": /^99999999999$/ }),
  },
  {
    name: "429 with an invalid retry-after",
    play: limited({ "retry-after": "soon" }),
    outcomes: tooMany(3),
  },
  {
    name: "429 with a spent quota",
    play: () => failure(429, { message: "No", type: "insufficient_quota" }),
    outcomes: error(402, "insufficient_quota", 1),
  },
  {
    name: "503 with a long retry-after",
    play: () => failure(503, undefined, { "retry-after": "30" }),
    outcomes: error(503, "upstream_overloaded", 1, { "retry-after": /^30$/ }),
  },
  {
    name: "an error without a body",
    play: () => body("", { status: 500 }),
    outcomes: error(502, "upstream_error", 3),
  },
  {
    name: "an error as an HTML page",
    play: () => body("<html>Bad gateway</html>", { status: 502, type: "text/html" }),
    outcomes: error(502, "upstream_error", 3),
  },
  {
    name: "an error with an incomplete body",
    play: () => [head({ status: 503 }), piece('{"error":'), close],
    outcomes: error(503, "upstream_overloaded", 3),
  },
  {
    name: "an error whose body hangs",
    play: () => [head({ status: 500 }), piece('{"error":'), hang],
    upstream: { timeouts: { headers_ms: 5_000, first_token_ms: 150, total_ms: 300 } },
    outcomes: error(504, "upstream_timeout", 1),
  },
  {
    name: "a redirect",
    play: () => body("", { status: 302, headers: { location: "/v1/elsewhere" } }),
    outcomes: error(502, "upstream_error", 1),
  },
  {
    name: "204",
    play: (): Script => [(wire) => wire.write("HTTP/1.1 204 No Content\r\n\r\n")],
    outcomes: error(502, "upstream_error", 1),
  },
  {
    name: "two failures, then success",
    play: times(2, () => failure(500)),
    outcomes: whole({ direct: 3, steps: 5 }),
  },
  {
    name: "one failure of each call, with two retries in all",
    play: (call) => call.index % 2 === 0 ? failure(500) : healthy(call),
    server: { max_retries: 2 },
    outcomes: {
      direct: whole({ direct: 2 }).direct,
      steps: {
        stream: { frame: "upstream_error", reasoning: reasoning(2), requests: 5 },
        json: { status: 502, code: "upstream_error", requests: 5 },
      },
    },
  },
  {
    name: "no retries",
    play: () => failure(500),
    server: { max_retries: 0 },
    outcomes: error(502, "upstream_error", 1),
  },
  {
    name: "a failure of the answer's call only",
    play: onAnswer(() => failure(503)),
    outcomes: answerFailed(503, "upstream_overloaded", 3),
  },
  {
    name: "a rejection of the answer's call only",
    play: onAnswer(() => failure(400)),
    outcomes: answerFailed(400, "upstream_rejected", 1),
  },
  {
    name: "a failure of the first thought only",
    play: onFirstThought(() => failure(500)),
    outcomes: whole({ steps: 4 }),
  },
  {
    name: "a rejection of response_format",
    play: (call) =>
      call.body.response_format === undefined
        ? healthy(call)
        : failure(400, { message: "response_format is not supported" }),
    outcomes: whole({ steps: 5 }),
  },
  {
    name: "a fallback from an upstream that refuses connections",
    at: "closed port",
    play: healthy,
    second: healthy,
    outcomes: fallenBack(0),
  },
  {
    name: "a fallback from an upstream that fails",
    play: () => failure(500),
    second: healthy,
    upstream: ONCE,
    outcomes: fallenBack(1),
  },
  {
    name: "a fallback from an upstream that hangs",
    play: () => [hang],
    second: healthy,
    upstream: { ...ONCE, timeouts: { headers_ms: 150 } },
    outcomes: fallenBack(1),
  },
  {
    name: "a fallback from an upstream with a long retry-after",
    play: limited({ "retry-after": "30" }),
    second: healthy,
    outcomes: fallenBack(1),
  },
  {
    name: "no fallback from an upstream that rejects the request",
    play: () => failure(400),
    second: healthy,
    outcomes: error(400, "upstream_rejected", 1),
  },
  {
    name: "two upstreams that fail",
    play: () => failure(503),
    second: () => failure(500),
    upstream: ONCE,
    outcomes: {
      direct: bothModes({ status: 503, code: "upstream_overloaded", requests: 1, second: 1 }),
      steps: bothModes({ status: 503, code: "upstream_overloaded", requests: 1, second: 1 }),
    },
  },
  {
    name: "a fallback from an upstream that breaks halfway",
    play: halfThen(close),
    second: healthy,
    upstream: ONCE,
    outcomes: errors(brokenHalfway(502, "upstream_error"), fallenBack(1)),
  },
  {
    name: "all keys rejected",
    play: withKeys(() => true),
    upstream: KEYS,
    outcomes: error(424, "upstream_auth_error", 3),
  },
  {
    name: "all keys rejected except the last",
    play: withKeys((key) => !key.includes("key-3")),
    upstream: KEYS,
    outcomes: whole({ direct: 3, steps: 5 }),
  },
];
