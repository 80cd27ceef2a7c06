import { z } from "zod";
import { count, milliseconds } from "./numbers.ts";
import { baseUrl, headers, token } from "./text.ts";

const timeouts = z.strictObject({
  headers_ms: milliseconds.default(570_000).describe(
    "Time limit for connecting and receiving the response headers, in milliseconds. A local model may need minutes to load; set less where another upstream can take over.",
  ),
  first_token_ms: milliseconds.default(570_000).describe(
    "Time limit from the request to the first token of a stream, in milliseconds.",
  ),
  idle_ms: milliseconds.default(60_000).describe(
    "Longest pause between two reads of a stream, in milliseconds.",
  ),
  total_ms: milliseconds.default(570_000).describe(
    "Time limit for one attempt, in milliseconds.",
  ),
});

const retry = z.strictObject({
  max_attempts: count.default(3).describe("Attempts for one call, including the first."),
  base_ms: milliseconds.default(500).describe(
    "Upper bound of the first delay, in milliseconds. It doubles with each attempt.",
  ),
  max_ms: milliseconds.default(8_000).describe(
    "Longest delay, in milliseconds. A call is not retried if `retry-after` is longer.",
  ),
});

const breaker = z.strictObject({
  window_ms: milliseconds.default(30_000).describe(
    "Time window of the failure ratio, in milliseconds.",
  ),
  min_calls: count.default(20).describe(
    "The breaker opens only after this many calls in the window.",
  ),
  failure_ratio: z.number().min(0).max(1).default(0.5).describe(
    "Ratio of failed calls, 0 to 1, at which the breaker opens.",
  ),
  cooldown_ms: milliseconds.default(15_000).describe(
    "Time until one call tries the upstream again, in milliseconds.",
  ),
});

const usdPerMillion = z.number().min(0).max(1_000_000);

const price = z.strictObject({
  input: usdPerMillion.describe("USD per million prompt tokens."),
  cached_input: usdPerMillion.optional().describe(
    "USD per million prompt tokens read from the provider's cache. Default: as `input`.",
  ),
  output: usdPerMillion.describe("USD per million generated tokens."),
});

/** One entry of `upstreams`. */
export const upstreamOptions = z.strictObject({
  base_url: baseUrl.describe(
    "Base URL of the provider, with or without /chat/completions. `demo:` is the built-in model.",
  ),
  api_key: z.union([token, z.array(token).min(1)]).optional().describe(
    "Sent upstream as `Authorization: Bearer`. `rotate` says how the keys of a list are used.",
  ),
  rotate: z.enum(["round_robin", "on_refusal"]).default("round_robin").describe(
    "Order of several keys. `round_robin`: each call uses the next one. `on_refusal`: all calls use the same one until the provider refuses it (401, 402, 403 or 429), which keeps the provider's cache of prompts. A refused key is passed over for `retry-after`, or else `breaker.cooldown_ms`.",
  ),
  headers: headers.default({}).describe("Headers added to every upstream request."),
  max_concurrency: count.default(64).describe(
    "Maximum number of calls in flight. Clients share them as they share `server.max_concurrent_requests`.",
  ),
  use_n: z.boolean().default(true).describe(
    "Whether equal samples of a strategy are requested in one call with `n`, which reads the prompt once. A provider that rejects or ignores `n` is remembered, and gets a call for each sample.",
  ),
  max_line_bytes: z.number().int().min(1_024).max(1_073_741_824).default(12_582_912).describe(
    "Longest line of an upstream's stream, in characters. A picture is one line.",
  ),
  opens_thinking: z.boolean().optional().describe(
    "Whether the models' templates write `<think>` into the prompt, so that answers begin with thinking and contain only `</think>`. Default: learned from the answers.",
  ),
  timeouts: timeouts.prefault({}).describe("Time limits of one attempt."),
  retry: retry.prefault({}).describe("Retries of one call after a temporary failure."),
  breaker: breaker.prefault({}).describe(
    "Circuit breaker, which pauses calls to a failing upstream.",
  ),
  price: price.optional().describe("Prices. If set, `usage.upstream.cost` is reported."),
});
