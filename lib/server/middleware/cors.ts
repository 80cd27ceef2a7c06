/**
 * Which pages in a browser may call the server.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-cors-protocol}
 * @module
 */

const METHODS = "GET, POST, DELETE, OPTIONS";
const ALLOWED =
  "authorization, content-type, api-key, x-api-key, x-request-id, idempotency-key, x-reasoning-strategy, openai-organization, openai-project, openai-beta, anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access";
const EXPOSED =
  "x-request-id, request-id, openai-processing-ms, retry-after, retry-after-ms, x-should-retry, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens";

/** Answers a browser's question; needs no token. */
export function preflightResponse(request: Request): Response {
  const headers = new Headers({
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": request.headers.get("access-control-request-headers") ??
      ALLOWED,
    "access-control-max-age": "86400",
  });
  return new Response(null, { status: 204, headers });
}

/** Adds what lets a page read the answer, where its origin may. */
export function addCorsHeaders(
  headers: Headers,
  origin: string | null,
  allowed: readonly string[],
): void {
  if (allowed.includes("*")) headers.set("access-control-allow-origin", "*");
  else {
    headers.append("vary", "origin");
    if (origin === null || !allowed.includes(origin)) return;
    headers.set("access-control-allow-origin", origin);
  }
  // No page asks without an origin.
  if (origin !== null) headers.set("access-control-expose-headers", EXPOSED);
}
