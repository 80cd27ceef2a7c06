/** The client's own limits of a request, and the model's `caps`. */
import { type Caps, DEFAULT_TOKEN_CAP, type ReasoningRequest } from "../request.ts";
import type { UsageMeter, UsageSums } from "./meter.ts";

/** Minimum number of tokens for a thinking call. */
const MIN_THINKING_TOKENS = 16;

/** Minimum number of tokens for a sample: its thinking and its answer. */
const SAMPLE_TOKENS = 1_024;

/** The share of the client's limit that is reserved for the answer, and its minimum in tokens. */
const ANSWER_SHARE = 0.25;
const ANSWER_TOKENS = 512;

export type RequestLimits = ReturnType<typeof createRequestLimits>;

type Limits = Pick<ReasoningRequest, "maxTokens" | "maxCallTokens" | "thinkingTokens" | "choices">;

/**
 * Returns what one request may still spend.
 *
 * @param meter counts what applies to the client's limits.
 * @param all counts what applies to the caps, which all choices share.
 */
export function createRequestLimits(
  { maxTokens, maxCallTokens = Infinity, thinkingTokens = Infinity, choices = 1 }: Limits,
  caps: Caps,
  meter: UsageMeter,
  all: Omit<UsageSums, "samples"> = meter,
) {
  const reserve = maxTokens === undefined ? 0 : Math.max(
    Math.ceil(maxTokens * ANSWER_SHARE),
    Math.min(ANSWER_TOKENS, Math.floor(maxTokens / 2)),
  );
  const left = () => maxTokens === undefined ? Infinity : maxTokens - meter.generated();
  const leftToThink = () => Math.min(left() - reserve, thinkingTokens - meter.generated());
  // The default would be more than many upstreams accept.
  const leftOfCap = () =>
    caps.tokens < DEFAULT_TOKEN_CAP ? caps.tokens - all.generated() : Infinity;
  // Every choice may be about to make as many calls.
  const capsAllow = (calls: number) =>
    all.total().upstream.calls + calls * choices <= caps.calls && all.generated() < caps.tokens &&
    (caps.usd === undefined || all.cost() < caps.usd);

  return {
    /** Whether this many thinking calls fit, and the answer after them. */
    canThink: (calls = 1) => capsAllow(calls + 1) && leftToThink() / calls >= MIN_THINKING_TOKENS,
    /**
     * Returns how many of the wanted parallel samples fit into the client's limit, so that none is cut
     * off.
     */
    samples: (wanted: number) => Math.min(wanted, Math.floor((left() - reserve) / SAMPLE_TOKENS)),
    /** Whether one more call that writes the answer fits. */
    canAnswer: () => capsAllow(1) && left() > 0,
    /**
     * Returns the token limit to send with a call; undefined without a limit.
     *
     * @param visible whether the call writes the answer and so may use the answer's reserve.
     * @param share number of parallel calls that divide what is left.
     */
    ceiling(visible: boolean, share = 1): number | undefined {
      const all = visible ? left() : leftToThink();
      const tokens = Math.min(Math.floor(Math.min(all, leftOfCap()) / share), maxCallTokens);
      return tokens === Infinity ? undefined : Math.max(1, tokens);
    },
    /**
     * Returns after how many tokens of thinking a call that writes the answer has to begin with it, so
     * that another call can; Infinity without a limit.
     */
    thinkingLimit: () => Math.min(Math.max(leftToThink(), left() / 2), leftOfCap() / 2),
  };
}
