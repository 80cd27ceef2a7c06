/**
 * How much of its allowance a request may still spend, and on what.
 *
 * @module
 */
import type { Caps, ReasoningRequest } from "./request.ts";
import type { UsageMeter } from "./usage.ts";

/** Fewer tokens than this are no thought. */
const SMALLEST_THOUGHT = 16;

/** The share of the client's ceiling that is kept for the answer, and the least of it. */
const ANSWER_SHARE = 0.25;
const ANSWER_TOKENS = 512;

/** The allowance of one request. */
export interface Budget {
  /** Whether there is room for thinking calls, by default one, besides the answer's. */
  canThink(calls?: number): boolean;
  /** Whether there is room for one more call that writes the answer. */
  canAnswer(): boolean;
  /**
   * The ceiling to send with a call, in tokens; undefined where the client set none.
   *
   * @param visible whether the call writes the answer, for which a part is kept.
   * @param wanted what the strategy wants at most.
   * @param share how many calls beside each other share what is left.
   */
  ceiling(visible: boolean, wanted?: number, share?: number): number | undefined;
}

/** Creates the budget of one request. */
export function createBudget(
  { maxTokens, thinkingTokens = Infinity }: Pick<ReasoningRequest, "maxTokens" | "thinkingTokens">,
  caps: Caps,
  meter: UsageMeter,
): Budget {
  const kept = maxTokens === undefined ? 0 : Math.max(
    Math.ceil(maxTokens * ANSWER_SHARE),
    Math.min(ANSWER_TOKENS, Math.floor(maxTokens / 2)),
  );
  const left = () => maxTokens === undefined ? Infinity : maxTokens - meter.generated();

  /** What thinking may still spend. */
  const thought = () => Math.min(left() - kept, thinkingTokens - meter.generated());

  /** Whether the caps allow so many calls more. */
  const capsAllow = (calls: number) =>
    meter.total().upstream.calls + calls <= caps.calls && meter.generated() < caps.tokens &&
    (caps.usd === undefined || meter.cost() < caps.usd);

  return {
    canThink: (wanted = 1) => capsAllow(wanted + 1) && thought() / wanted >= SMALLEST_THOUGHT,
    canAnswer: () => capsAllow(1) && left() > 0,
    ceiling(visible, wanted = Infinity, share = 1) {
      const room = Math.min(wanted, visible ? left() : Math.floor(thought() / share));
      return room === Infinity ? undefined : Math.max(1, room);
    },
  };
}
