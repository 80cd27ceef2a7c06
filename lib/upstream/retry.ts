import type { UpstreamOptions } from "./options.ts";

/**
 * Returns a delay in milliseconds: exponential backoff with full jitter.
 *
 * @param failures number of failed attempts, from 1.
 * @param random a number in [0, 1).
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
export function backoffMs(
  failures: number,
  options: Pick<UpstreamOptions["retry"], "base_ms" | "max_ms">,
  random: number,
): number {
  return random * Math.min(options.max_ms, options.base_ms * 2 ** (failures - 1));
}

const NUMBER_REGEXP = /^\d+(\.\d+)?$/;

/** An HTTP date in any of its three forms; `Date.parse` alone accepts almost any text. */
const HTTP_DATE_REGEXP = /^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/;

/**
 * Returns the delay in milliseconds that `retry-after-ms` or else `retry-after` asks for, or
 * undefined if neither is valid.
 *
 * @param date milliseconds since 1970, for a `retry-after` with an HTTP date.
 */
export function retryAfterMs(headers: Headers, date: number): number | undefined {
  const exact = headers.get("retry-after-ms")?.trim() ?? "";
  if (NUMBER_REGEXP.test(exact)) return Number(exact);
  const value = headers.get("retry-after")?.trim() ?? "";
  if (NUMBER_REGEXP.test(value)) return Number(value) * 1000;
  const at = HTTP_DATE_REGEXP.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - date);
}

/** Returns the headers that {@linkcode retryAfterMs} reads, unchanged. */
export function retryAfterHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => name === "retry-after" || name === "retry-after-ms"),
  );
}
