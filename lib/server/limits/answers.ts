/**
 * What clients are told of limits, in OpenAI's words.
 *
 * @see {@link https://platform.openai.com/docs/guides/rate-limits}
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import type { LimitState } from "../../store/limiter.ts";
import { NANO, periodEnd, type Rule } from "./rules.ts";

/** A rule and how it stands. */
export interface Standing {
  /** The rule. */
  rule: Rule;
  /** How it stands. */
  state: LimitState;
  /** How much of it was asked for. */
  cost: number;
}

/** Time in which a request of several at a time may have ended, in milliseconds. */
const SOON_MS = 1_000;

/** A time as OpenAI's headers write it: `120ms`, `8.64s`, `6m0s`, `1h0m0s`. */
export function durationText(ms: number): string {
  if (ms <= 0) return "0s";
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 10) / 100;
  if (seconds < 60) return `${seconds}s`;
  const whole = Math.ceil(ms / 1_000);
  const minutes = `${Math.floor(whole / 60) % 60}m${whole % 60}s`;
  return whole < 3_600 ? minutes : `${Math.floor(whole / 3_600)}h${minutes}`;
}

/** The `x-ratelimit-*` headers: of several limits of a measure the one that is nearest its end. */
export function limitHeaders(standings: readonly Standing[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const measure of ["requests", "tokens"] as const) {
    const [nearest] = standings
      .filter(({ rule }) => rule.measure === measure && rule.per === "minute")
      .toSorted((a, b) => a.state.remaining - b.state.remaining);
    if (nearest === undefined) continue;
    const { rule, state } = nearest;
    headers[`x-ratelimit-limit-${measure}`] = String(rule.amount);
    headers[`x-ratelimit-remaining-${measure}`] = String(Math.max(0, Math.floor(state.remaining)));
    headers[`x-ratelimit-reset-${measure}`] = durationText(state.resetMs);
  }
  return headers;
}

/**
 * 429 for a request that a limit refuses; of several, the one that has to be waited for longest.
 *
 * @param date milliseconds since 1970.
 */
export function refusal(standings: readonly Standing[], model: string, date: number): ApiError {
  const waits = standings
    .filter(({ state }) => state.retryAfterMs > 0)
    .map((standing) => ({ ...standing, waitMs: waitOf(standing, date) }))
    .toSorted((a, b) => b.waitMs - a.waitMs);
  const [longest] = waits;
  const waitMs = longest?.waitMs ?? SOON_MS;
  const headers = {
    ...limitHeaders(standings),
    "retry-after": String(Math.max(1, Math.ceil(waitMs / 1_000))),
    "retry-after-ms": String(Math.max(1, Math.ceil(waitMs))),
  };
  if (longest !== undefined && isBudget(longest.rule)) {
    return new ApiError(429, quotaMessage(longest.rule, date), {
      type: "insufficient_quota",
      code: "insufficient_quota",
      headers,
      shouldRetry: false,
    });
  }
  return new ApiError(429, rateMessage(longest, model, waitMs), {
    type: longest?.rule.measure === "tokens" ? "tokens" : "requests",
    code: "rate_limit_exceeded",
    headers,
  });
}

function isBudget({ per }: Rule): boolean {
  return per === "day" || per === "month";
}

function waitOf({ rule, state }: Standing, date: number): number {
  if (rule.per === "moment") return SOON_MS;
  return isBudget(rule) ? periodEnd(rule, date) - date : state.retryAfterMs;
}

function scopeText({ scope }: Rule): string {
  return "all" in scope ? "organization o1-api" : `project ${scope.name}`;
}

function rateMessage(standing: Standing | undefined, model: string, waitMs: number): string {
  if (standing === undefined) return `Rate limit reached for ${model}.`;
  const { rule, state, cost } = standing;
  const what = rule.measure === "parallel"
    ? "requests at a time"
    : rule.measure === "tokens"
    ? "tokens per min (TPM)"
    : "requests per min (RPM)";
  const spent = Math.max(0, Math.ceil(rule.amount - state.remaining));
  return `Rate limit reached for ${model} in ${scopeText(rule)} on ${what}: ` +
    `Limit ${rule.amount}, Used ${spent}, Requested ${cost}. ` +
    `Please try again in ${durationText(waitMs)}.`;
}

function quotaMessage(rule: Rule, date: number): string {
  const amount = rule.measure === "usd" ? `$${rule.amount / NANO}` : `${rule.amount} tokens`;
  const end = new Date(periodEnd(rule, date)).toISOString().slice(0, 10);
  return "You exceeded your current quota, please check your plan and billing details. " +
    `The limit of ${scopeText(rule)} is ${amount} a ${rule.per}; the next begins on ${end} (UTC).`;
}
