/** Answers `GET /usage`: what keys have used, and what is left of their budgets. */
import { ApiError } from "../../api/errors.ts";
import { type Clock, DAY_MS, dayAt } from "../../clock.ts";
import { type KeyConfig, timeOf } from "../../config/schema/keys.ts";
import { clientOf } from "../client.ts";
import type { Exchange } from "../exchange.ts";
import type { Limits } from "../limits/charge.ts";
import type { UsageLedger } from "./ledger.ts";

export interface UsageOptions {
  ledger: UsageLedger;
  limits: Limits;
  keys: readonly KeyConfig[];
  clock: Clock;
}

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

/** Answers with the usage of all keys for the holder of api_bearer_token, else of the own key. */
export function createUsageHandler({ ledger, limits, keys, clock }: UsageOptions) {
  return async ({ url }: Request, { client }: Exchange): Promise<Response> => {
    const { from, to } = readPeriod(new URL(url).searchParams, clock.date());
    const isAdmin = client.key === undefined;
    const clients = isAdmin ? keys.map(clientOf) : [client];
    const [data, budgets] = await Promise.all([
      ledger.read(isAdmin ? undefined : client.owner, from, to),
      limits.budgets(clients, isAdmin),
    ]);
    return Response.json({ object: "list", start_date: from, end_date: to, data, budgets });
  };
}

/** @throws {ApiError} 400 for an invalid date or a period that is too long. */
function readPeriod(params: URLSearchParams, date: number): { from: string; to: string } {
  const read = (param: string) => {
    const text = params.get(param);
    if (text === null) return undefined;
    const time = /^\d{4}-\d\d-\d\d$/.test(text) ? timeOf(text) : NaN;
    if (!Number.isNaN(time)) return time;
    throw new ApiError(400, `Invalid '${param}': expected a date such as 2027-01-31.`, { param });
  };
  const to = read("end_date") ?? date;
  const from = read("start_date") ?? to - (DEFAULT_DAYS - 1) * DAY_MS;
  const days = Math.floor(to / DAY_MS) - Math.floor(from / DAY_MS) + 1;
  if (days < 1 || days > MAX_DAYS) {
    throw new ApiError(
      400,
      `Invalid 'start_date': the period must have 1 to ${MAX_DAYS} days, up to 'end_date'.`,
      { param: "start_date" },
    );
  }
  return { from: dayAt(from), to: dayAt(to) };
}
