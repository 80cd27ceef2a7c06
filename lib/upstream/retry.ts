/**
 * When and how long to wait before a call is repeated.
 *
 * @module
 */

/** How waits grow. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. */
  base_ms: number;
  /** Upper bound of any wait, in milliseconds. */
  max_ms: number;
}

/**
 * A wait by exponential backoff with full jitter.
 *
 * @param attempt how many attempts have failed, from 1.
 * @param random a number from 0 to 1.
 * @returns milliseconds.
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
export function backoffMs(
  attempt: number,
  options: BackoffOptions,
  random: number,
): number {
  return random *
    Math.min(options.max_ms, options.base_ms * 2 ** (attempt - 1));
}

/** An HTTP date in any of its three forms; `Date.parse` alone finds a date in almost anything. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/;

/**
 * How long an upstream asks to be left alone: `retry-after-ms`, else `retry-after` in seconds or
 * as an HTTP date.
 *
 * @param now milliseconds since 1970, for dates.
 * @returns milliseconds, or undefined where the headers say nothing usable.
 */
export function retryAfterMs(
  headers: Headers,
  now: number,
): number | undefined {
  const exact = headers.get("retry-after-ms")?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Number(exact);
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = HTTP_DATE.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The headers that {@linkcode retryAfterMs} reads, as they are. */
export function retryAfterHeaders(headers: Headers): Record<string, string> {
  const names = ["retry-after", "retry-after-ms"];
  const found = names.map((name) => [name, headers.get(name)] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== null));
}
