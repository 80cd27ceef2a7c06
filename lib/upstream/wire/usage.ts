import { isObject } from "../../json.ts";

/** Tokens of one call, as the upstream counted them. */
export interface TokenCounts {
  prompt: number;
  /** Prompt tokens read from the provider's cache. */
  cached: number;
  /** Generated tokens, reasoning included. */
  completion: number;
  /** Reasoning tokens among the generated ones, if the upstream counts them. */
  reasoning?: number;
}

/** Highest count that is believed, far above any model's context. */
const MAX_TOKENS = 10_000_000;

/** Returns 0 for a missing count, and NaN for an impossible one. */
function toCount(value: unknown): number {
  if (typeof value !== "number") return 0;
  return Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS ? value : NaN;
}

/** Returns undefined, so that usage is estimated, without counts or with impossible ones. */
export function usageOf(usage: unknown): TokenCounts | undefined {
  if (!isObject(usage)) return undefined;
  const details = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const prompt = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const counts: TokenCounts = {
    prompt: toCount(usage.prompt_tokens),
    cached: toCount(prompt.cached_tokens) || toCount(usage.prompt_cache_hit_tokens),
    completion: toCount(usage.completion_tokens),
  };
  // Comparisons with NaN are false.
  if (!(counts.prompt + counts.completion > 0)) return undefined;
  // The total of xAI's and Gemini's contains the reasoning, but the generated tokens do not. Some
  // gateways count cached tokens beside the prompt.
  const rest = toCount(usage.total_tokens) - counts.prompt - counts.completion;
  if (rest > 0) counts[rest === counts.cached ? "prompt" : "completion"] += rest;
  counts.cached = Math.min(counts.cached || 0, counts.prompt);
  const reasoning = details.reasoning_tokens ?? usage.reasoning_tokens;
  if (typeof reasoning !== "number" || Number.isNaN(toCount(reasoning))) return counts;
  counts.reasoning = Math.min(reasoning, counts.completion);
  return counts;
}
