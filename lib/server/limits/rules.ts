/**
 * From the configured limits of a client to what is counted.
 *
 * @module
 */
import type { LimitsConfig } from "../../config/schema/keys.ts";
import type { Message } from "../../reasoning/request.ts";
import { estimatePrompt, type Usage } from "../../reasoning/usage.ts";
import type { Limit } from "../../store/limiter.ts";
import type { UpstreamOptions } from "../../upstream/options.ts";
import type { Client } from "../client.ts";

/** What is counted. USD are counted in billionths, so that counts are whole. */
export type Measure = "requests" | "tokens" | "usd" | "parallel";

/** One configured limit. */
export interface Rule {
  /** Whose: `all`, or a client's name. */
  scope: { all: true } | { name: string };
  /** What is counted. */
  measure: Measure;
  /** Over which time; `moment`: at a time. */
  per: "minute" | "day" | "month" | "moment";
  /** How much, in the measure's unit. */
  amount: number;
}

/** Billionths of a USD in one. */
export const NANO = 1_000_000_000;

/** How long a lease lives unless it is renewed, in milliseconds. */
export const LEASE_MS = 60_000;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const RULES = [
  ["parallel", "parallel", "moment"],
  ["rpm", "requests", "minute"],
  ["tpm", "tokens", "minute"],
  ["daily_tokens", "tokens", "day"],
  ["monthly_tokens", "tokens", "month"],
  ["daily_usd", "usd", "day"],
  ["monthly_usd", "usd", "month"],
] as const satisfies readonly (readonly [keyof LimitsConfig, Measure, Rule["per"]])[];

function addRules(rules: Rule[], config: LimitsConfig, scope: Rule["scope"]): void {
  for (const [key, measure, per] of RULES) {
    const amount = config[key];
    if (amount === undefined) continue;
    rules.push({
      scope,
      measure,
      per,
      amount: measure === "usd" ? Math.round(amount * NANO) : amount,
    });
  }
}

/** Whether any limit holds for a client. */
export function isLimited({ key }: Client, all: LimitsConfig): boolean {
  return hasLimit(all) || (key !== undefined && hasLimit(key));
}

function hasLimit(config: LimitsConfig): boolean {
  return RULES.some(([key]) => config[key] !== undefined);
}

/** The limits that hold for a client: its own, and those of all clients together. */
export function rulesOf({ key }: Client, all: LimitsConfig): Rule[] {
  const rules: Rule[] = [];
  if (key !== undefined) addRules(rules, key, { name: key.name });
  addRules(rules, all, { all: true });
  return rules;
}

/** When the rule's time is over, in milliseconds since 1970; `date` likewise. */
export function periodEnd({ per }: Rule, date: number): number {
  const day = new Date(date);
  if (per === "month") return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1);
  return per === "day" ? (Math.floor(date / DAY_MS) + 1) * DAY_MS : date + MINUTE_MS;
}

/** What is counted of a rule at a time, in milliseconds since 1970. */
export function limitOf(rule: Rule, date: number): Limit {
  const { scope, measure, per, amount } = rule;
  const key = `${"all" in scope ? "all" : `client:${scope.name}`}:${measure}:${per}`;
  if (per === "moment") return { key, amount, windowMs: LEASE_MS, kind: "parallel" };
  if (per === "minute") return { key, amount, windowMs: MINUTE_MS, kind: "rate" };
  // A day and a month are UTC's: each has a count of its own.
  const name = new Date(date).toISOString().slice(0, per === "day" ? 10 : 7);
  const windowMs = per === "day" ? DAY_MS : 31 * DAY_MS;
  return { key: `${key}:${name}`, amount, windowMs, kind: "sum" };
}

/** What a request will use, as far as it can be known before. */
export interface Estimate {
  /** Prompt tokens of the first upstream call. */
  prompt: number;
  /** Tokens that may be generated. */
  generated: number;
  /** What they cost. */
  price: UpstreamOptions["price"];
}

/** Tokens that a request is thought to generate where it does not say. */
const GENERATED_TOKENS = 4_096;

/** The part of a limit that is set aside for what one request may generate. */
const GENERATED_SHARE = 1 / 8;

/** What a request will use; the ceiling that it names is believed within the model's caps. */
export function estimate(
  messages: readonly Message[],
  maxTokens: number | undefined,
  model: { caps: { tokens: number }; targets: readonly { upstream: UpstreamOptions }[] },
): Estimate {
  return {
    prompt: estimatePrompt(messages),
    generated: Math.min(maxTokens ?? GENERATED_TOKENS, model.caps.tokens),
    price: model.targets[0]?.upstream.price,
  };
}

/**
 * What is set aside of a limit until it is known what a request uses. Never more than all of it,
 * so that no limit refuses a request for good; and of the tokens yet to come no more than an
 * eighth, as most requests stay far below their ceiling.
 */
export function reserved(
  { measure, amount }: Rule,
  { prompt, generated, price }: Estimate,
): number {
  if (measure === "requests" || measure === "parallel") return 1;
  const unit = measure === "tokens"
    ? { prompt: 1, generated: 1 }
    : { prompt: (price?.input ?? 0) * NANO / 1e6, generated: (price?.output ?? 0) * NANO / 1e6 };
  const coming = Math.min(generated * unit.generated, amount * GENERATED_SHARE);
  return Math.min(amount, Math.ceil(prompt * unit.prompt + coming));
}

/** What a run used, in the measure's unit: all its upstream calls. */
export function used(measure: Measure, { upstream }: Usage): number {
  switch (measure) {
    case "tokens":
      return upstream.prompt_tokens + upstream.completion_tokens;
    case "usd":
      return Math.round((upstream.cost ?? 0) * NANO);
    default:
      return 1;
  }
}
