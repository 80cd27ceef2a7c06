/**
 * What clients see of their limits, in the format of OpenAI.
 *
 * @see {@link https://platform.openai.com/docs/guides/rate-limits}
 */
import { ApiError } from "../../api/errors.ts";
import { dayAt } from "../../clock.ts";
import type { LimitState } from "../../store/limiter.ts";
import { NANO, periodEnd, type Rule } from "./rules.ts";

/** A rule, its state, and the units that the request asked for. */
export interface RuleState {
  rule: Rule;
  state: LimitState;
  cost: number;
}

/** Retry delay for a limit of parallel requests: when one of them will end is unknown. */
const PARALLEL_RETRY_MS = 1_000;

/** A duration as in OpenAI's headers: `120ms`, `8.64s`, `6m0s`, `1h0m0s`. */
function formatDuration(ms: number): string {
  if (ms <= 0) return "0s";
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 10) / 100;
  if (seconds < 60) return `${seconds}s`;
  const whole = Math.ceil(ms / 1_000);
  const minutes = `${Math.floor(whole / 60) % 60}m${whole % 60}s`;
  return whole < 3_600 ? minutes : `${Math.floor(whole / 3_600)}h${minutes}`;
}

/** What headers show: limits per minute by OpenAI's names, and budgets by ours. */
const SHOWN = ([
  ["requests", "requests", "minute"],
  ["tokens", "tokens", "minute"],
  ["tokens-day", "tokens", "day"],
  ["tokens-month", "tokens", "month"],
  ["usd-day", "usd", "day"],
  ["usd-month", "usd", "month"],
] as const satisfies readonly (readonly [string, Rule["measure"], Rule["per"]])[])
  .map(([name, measure, per]) => ({
    measure,
    per,
    limit: `x-ratelimit-limit-${name}`,
    remaining: `x-ratelimit-remaining-${name}`,
    reset: `x-ratelimit-reset-${name}`,
  }));

/** Every name of a header with the state of a limit. */
export const LIMIT_HEADERS: readonly string[] = (["limit", "remaining", "reset"] as const)
  .flatMap((value) => SHOWN.map((shown) => shown[value]));

/**
 * The `x-ratelimit-*` headers: for each measure and period, those of the limit with the least
 * remaining.
 *
 * @param date in ms since 1970
 */
export function limitHeaders(states: readonly RuleState[], date: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const shown of SHOWN) {
    let nearest: RuleState | undefined;
    for (const current of states) {
      const { measure, per } = current.rule;
      if (measure !== shown.measure || per !== shown.per) continue;
      if (nearest === undefined || current.state.remaining < nearest.state.remaining) {
        nearest = current;
      }
    }
    if (nearest === undefined) continue;
    const { rule, state } = nearest;
    const resetMs = isBudget(rule) ? periodEnd(rule, date) - date : state.resetMs;
    headers[shown.limit] = String(inUnits(rule, rule.amount));
    headers[shown.remaining] = String(inUnits(rule, state.remaining));
    headers[shown.reset] = formatDuration(resetMs);
  }
  return headers;
}

/** Returns an amount in tokens, requests or USD, rounded down; USD to six digits. */
export function inUnits({ measure }: Rule, amount: number): number {
  return measure === "usd" ? Math.floor(amount / NANO * 1e6) / 1e6 : Math.floor(amount);
}

/**
 * The 429 for a request over its limits. If it is over several, the one with the longest wait.
 *
 * @param states at least one has a retry delay, as each limit that is exceeded does
 * @param model undefined if the request was rejected before its body was read
 * @param date in ms since 1970
 */
export function limitError(
  states: readonly RuleState[],
  model: string | undefined,
  date: number,
): ApiError {
  const longest = states
    .filter(({ state }) => state.retryAfterMs > 0)
    .map((state) => ({ ...state, waitMs: waitOf(state, date) }))
    .toSorted((a, b) => b.waitMs - a.waitMs)[0]!;
  const headers = {
    ...limitHeaders(states, date),
    "retry-after": String(Math.ceil(longest.waitMs / 1_000)),
    "retry-after-ms": String(Math.ceil(longest.waitMs)),
  };
  if (isBudget(longest.rule)) {
    return new ApiError(429, quotaMessage(longest.rule, date), {
      type: "insufficient_quota",
      code: "insufficient_quota",
      headers,
      shouldRetry: false,
    });
  }
  return new ApiError(429, rateMessage(longest, model), {
    type: longest.rule.measure === "tokens" ? "tokens" : "requests",
    code: "rate_limit_exceeded",
    headers,
  });
}

export function isBudget({ per }: Rule): boolean {
  return per === "day" || per === "month";
}

function waitOf({ rule, state }: RuleState, date: number): number {
  if (rule.per === "moment") return PARALLEL_RETRY_MS;
  return isBudget(rule) ? periodEnd(rule, date) - date : state.retryAfterMs;
}

const UNITS = {
  parallel: "requests at a time",
  tokens: "tokens per min (TPM)",
  requests: "requests per min (RPM)",
  usd: "USD",
};

function scopeName({ client }: Rule): string {
  return client === undefined ? "organization o1-api" : `project ${client}`;
}

function rateMessage(
  { rule, state, cost, waitMs }: RuleState & { waitMs: number },
  model: string | undefined,
): string {
  const used = Math.ceil(rule.amount - state.remaining);
  return `Rate limit reached${model === undefined ? "" : ` for ${model}`} in ` +
    `${scopeName(rule)} on ${UNITS[rule.measure]}: ` +
    `Limit ${rule.amount}, Used ${used}, Requested ${cost}. ` +
    `Please try again in ${formatDuration(waitMs)}.`;
}

function quotaMessage(rule: Rule, date: number): string {
  const amount = rule.measure === "usd" ? `$${rule.amount / NANO}` : `${rule.amount} tokens`;
  const end = dayAt(periodEnd(rule, date));
  return "You exceeded your current quota, please check your plan and billing details. " +
    `The limit of ${
      scopeName(rule)
    } is ${amount} per ${rule.per}; the next ${rule.per} begins on ${end} (UTC).`;
}
