/**
 * Lets pages in browsers call the server.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-cors-protocol}
 */
import { LIMIT_HEADERS } from "../limits/rate_limit_response.ts";
import type { HeaderStep, Step } from "./chain.ts";

const METHODS = "GET, POST, DELETE, OPTIONS";
const ALLOWED_HEADERS =
  "authorization, content-type, api-key, x-api-key, x-request-id, idempotency-key, x-reasoning-strategy, openai-organization, openai-project, openai-beta, anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access";
const EXPOSED_HEADERS =
  `x-request-id, request-id, x-o1-api-version, openai-processing-ms, retry-after, retry-after-ms, x-should-retry, ${
    LIMIT_HEADERS.join(", ")
  }`;

/** Lets pages of these origins read responses and errors; `*` stands for every origin. */
export function cors(origins: readonly string[]): HeaderStep {
  const allowsAll = origins.includes("*");
  return (request, _exchange, headers) => {
    const origin = request.headers.get("origin");
    if (!allowsAll) headers.append("vary", "origin");
    if (allowsAll) headers.set("access-control-allow-origin", "*");
    else if (origin !== null && origins.includes(origin)) {
      headers.set("access-control-allow-origin", origin);
    } else return;
    if (origin !== null) headers.set("access-control-expose-headers", EXPOSED_HEADERS);
  };
}

/** Answers preflight requests, which carry no token. */
export const preflight: Step = (request) => {
  if (request.method !== "OPTIONS") return;
  const requested = request.headers.get("access-control-request-headers");
  const headers = {
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": requested ?? ALLOWED_HEADERS,
    "access-control-max-age": "86400",
  };
  return new Response(null, { status: 204, headers });
};
