import { DAY_MS, dayAt } from "../../clock.ts";
import type { LimitsConfig } from "../../config/schema/keys.ts";
import { LEASE_MS, type Limit } from "../../store/limiter.ts";
import type { Client } from "../client.ts";

/** USD are counted in billionths, so that counts are integers. */
export type Measure = "requests" | "tokens" | "usd" | "parallel";

/** One configured limit of a client, or of all clients together. */
export interface Rule {
  /** The client's name; undefined: all clients together. */
  client: string | undefined;
  measure: Measure;
  /** Period of the limit; `moment`: requests at the same time. */
  per: "minute" | "day" | "month" | "moment";
  /** Amount in units of the measure. */
  amount: number;
}

/** Billionths per USD. */
export const NANO = 1_000_000_000;

const MINUTE_MS = 60_000;

const RULES = [
  ["parallel", "parallel", "moment"],
  ["rpm", "requests", "minute"],
  ["tpm", "tokens", "minute"],
  ["daily_tokens", "tokens", "day"],
  ["monthly_tokens", "tokens", "month"],
  ["daily_usd", "usd", "day"],
  ["monthly_usd", "usd", "month"],
] as const satisfies readonly (readonly [keyof LimitsConfig, Measure, Rule["per"]])[];

/** The limits of a client: its own, and those of all clients together. */
export function rulesOf({ key }: Client, all: LimitsConfig): Rule[] {
  return [...key === undefined ? [] : toRules(key, key.name), ...toRules(all, undefined)];
}

function toRules(config: LimitsConfig, client: string | undefined): Rule[] {
  return RULES.flatMap(([key, measure, per]) => {
    const amount = config[key];
    if (amount === undefined) return [];
    return [{
      client,
      measure,
      per,
      amount: measure === "usd" ? Math.round(amount * NANO) : amount,
    }];
  });
}

/** When the rule's current period ends. Both in ms since 1970. */
export function periodEnd({ per }: Rule, date: number): number {
  if (per === "month") {
    const day = new Date(date);
    return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1);
  }
  return per === "day" ? (Math.floor(date / DAY_MS) + 1) * DAY_MS : date + MINUTE_MS;
}

/** The counter of a rule; that of a day or a month is another one in each period (UTC). */
export function limitOf({ client, measure, per, amount }: Rule, date: number): Limit {
  const group = client === undefined ? "all" : `client:${client}`;
  const key = `${group}:${measure}:${per}`;
  if (per === "moment") return { key, group, amount, windowMs: LEASE_MS, kind: "sum" };
  if (per === "minute") return { key, group, amount, windowMs: MINUTE_MS, kind: "rate" };
  const period = per === "day" ? dayAt(date) : dayAt(date).slice(0, "2026-01".length);
  const windowMs = per === "day" ? DAY_MS : 31 * DAY_MS;
  return { key: `${key}:${period}`, group, amount, windowMs, kind: "sum" };
}
