import { z } from "zod";
import { count, milliseconds } from "./numbers.ts";

const timeouts = z.strictObject({
  headers_ms: milliseconds.default(120_000).describe(
    "Time to the response headers, connecting included, in milliseconds.",
  ),
  first_token_ms: milliseconds.default(120_000).describe(
    "Time from the request to the first token of a stream, in milliseconds.",
  ),
  idle_ms: milliseconds.default(60_000).describe(
    "Longest silence between two reads of a stream, in milliseconds.",
  ),
  total_ms: milliseconds.default(570_000).describe(
    "Time for one attempt as a whole, in milliseconds.",
  ),
});

const retry = z.strictObject({
  max_attempts: count.default(3).describe(
    "Attempts for one call, the first included.",
  ),
  base_ms: milliseconds.default(500).describe(
    "Upper bound of the first wait, in milliseconds; it doubles with each attempt.",
  ),
  max_ms: milliseconds.default(8_000).describe(
    "Longest wait, in milliseconds. A longer retry-after is not waited for.",
  ),
});

const breaker = z.strictObject({
  window_ms: milliseconds.default(30_000).describe(
    "Span over which the error rate is taken, in milliseconds.",
  ),
  min_calls: count.default(20).describe(
    "Calls in the window below which it never opens.",
  ),
  failure_ratio: z.number().min(0).max(1).default(0.5).describe(
    "Share of failed calls, 0 to 1, at which the upstream is left to cool down.",
  ),
  cooldown_ms: milliseconds.default(15_000).describe(
    "Time until one call tries the upstream again, in milliseconds.",
  ),
});

const usdPerMillion = z.number().min(0).max(1_000_000);

const price = z.strictObject({
  input: usdPerMillion.describe("USD per million prompt tokens."),
  cached_input: usdPerMillion.optional().describe(
    "USD per million prompt tokens read from the provider's cache; default: as `input`.",
  ),
  output: usdPerMillion.describe("USD per million generated tokens."),
});

/** One entry of `upstreams`. */
export const upstreamOptions = z.strictObject({
  base_url: z.string().min(1).describe(
    "The provider's base URL, with or without /chat/completions; `demo:` is the built-in model.",
  ),
  api_key: z.union([z.string(), z.array(z.string()).min(1)], {
    error: "expected a string or a list of strings",
  }).optional().describe(
    "Sent upstream as `Authorization: Bearer`; a list is rotated.",
  ),
  headers: z.record(z.string(), z.string()).default({}).describe(
    "Headers added to every upstream request.",
  ),
  max_concurrency: count.default(64).describe(
    "Calls in flight at once; more wait in turn.",
  ),
  max_line_bytes: z.number().int().min(1_024).max(1_073_741_824).default(
    1_048_576,
  ).describe(
    "Longest line of an upstream's stream, in characters.",
  ),
  timeouts: timeouts.prefault({}).describe("Time limits of one attempt."),
  retry: retry.prefault({}).describe(
    "Repeats of one call that failed in a passing way.",
  ),
  breaker: breaker.prefault({}).describe(
    "When a failing upstream is left to cool down.",
  ),
  price: price.optional().describe(
    "Prices; with them `usage.upstream.cost` is given.",
  ),
});
