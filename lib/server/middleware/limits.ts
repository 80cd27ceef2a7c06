import { type Clock, within } from "../../clock.ts";
import type { Limits } from "../limits/charge.ts";
import { LIMIT_HEADERS } from "../limits/rejection.ts";
import type { HeaderStep, Step } from "./chain.ts";

/** Longest wait for the state of the limits, in milliseconds. */
const MAX_WAIT_MS = 20;

/** Charges what is known before the body is read; the reservation ends with the request. */
export function meterRequests(limits: Limits): Step {
  return (_request, exchange) => {
    const { client, match: { route: { meter } } } = exchange;
    return meter && limits.begin(client, meter)?.then((reservation) => {
      exchange.reservation = reservation;
      exchange.onFinish(reservation.end);
    });
  };
}

/** Adds the `x-ratelimit-*` headers of the client's limits. */
export function rateLimitHeaders(limits: Limits, clock: Clock): HeaderStep {
  return (_request, { client, reservation }, headers) => {
    const values = reservation?.headers();
    if (values !== undefined) return addMissing(headers, values);
    if (!limits.hasHeaders(client) || hasLimits(headers)) return;
    return within(clock, MAX_WAIT_MS, limits.headers(client)).then((read) => {
      if (read !== "late") addMissing(headers, read);
    });
  };
}

/** Adds headers that the response does not have: a 429 has its own. */
function addMissing(headers: Headers, values: Readonly<Record<string, string>>): void {
  for (const name in values) if (!headers.has(name)) headers.set(name, values[name]!);
}

const hasLimits = (headers: Headers) => LIMIT_HEADERS.some((name) => headers.has(name));
