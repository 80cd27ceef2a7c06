/**
 * The token limits of one request. Limits of keys are charged in `server/limits/charge.ts`.
 *
 * @module
 */
import type { Caps, ReasoningRequest } from "./request.ts";
import type { UsageMeter } from "./usage.ts";

/** Minimum number of tokens for a thinking call. */
const MIN_THINKING_TOKENS = 16;

/** The share of the client's limit that is reserved for the answer, and its minimum in tokens. */
const ANSWER_SHARE = 0.25;
const ANSWER_TOKENS = 512;

/** What one request may still spend. */
export interface Budget {
  /** Whether this many thinking calls (default: 1) fit, and the answer after them. */
  canThink(calls?: number): boolean;
  /** Whether one more call that writes the answer fits. */
  canAnswer(): boolean;
  /**
   * Returns the token limit to send with a call; undefined without a limit.
   *
   * @param visible whether the call writes the answer and so may use the answer's reserve.
   * @param share number of parallel calls that divide what is left.
   */
  ceiling(visible: boolean, share?: number): number | undefined;
}

export function createBudget(
  { maxTokens, thinkingTokens = Infinity }: Pick<ReasoningRequest, "maxTokens" | "thinkingTokens">,
  caps: Caps,
  meter: UsageMeter,
): Budget {
  const reserve = maxTokens === undefined ? 0 : Math.max(
    Math.ceil(maxTokens * ANSWER_SHARE),
    Math.min(ANSWER_TOKENS, Math.floor(maxTokens / 2)),
  );
  const left = () => maxTokens === undefined ? Infinity : maxTokens - meter.generated();
  const leftToThink = () => Math.min(left() - reserve, thinkingTokens - meter.generated());
  const capsAllow = (calls: number) =>
    meter.total().upstream.calls + calls <= caps.calls && meter.generated() < caps.tokens &&
    (caps.usd === undefined || meter.cost() < caps.usd);

  return {
    canThink: (calls = 1) => capsAllow(calls + 1) && leftToThink() / calls >= MIN_THINKING_TOKENS,
    canAnswer: () => capsAllow(1) && left() > 0,
    ceiling(visible, share = 1) {
      const tokens = visible ? left() : Math.floor(leftToThink() / share);
      return tokens === Infinity ? undefined : Math.max(1, tokens);
    },
  };
}
