import { type Clock, within } from "../../clock.ts";
import type { Limits } from "../limits/charge.ts";
import type { HeaderStep, Step } from "./chain.ts";

/** Longest wait for the state of the limits, in milliseconds. */
const MAX_WAIT_MS = 20;

/** Charges what is known before the body is read; the reservation ends with the request. */
export function meterRequests(limits: Limits): Step {
  return (_request, exchange) => {
    const { client, match: { route: { meter } } } = exchange;
    if (meter === undefined) return;
    exchange.isMetered = true;
    return limits.begin(client, meter)?.then((reservation) => {
      exchange.reservation = reservation;
      exchange.onFinish(reservation.end);
    });
  };
}

/** Adds the `x-ratelimit-*` headers of the client's limits. */
export function rateLimitHeaders(limits: Limits, clock: Clock): HeaderStep {
  return (_request, { client, reservation, isMetered }, headers) => {
    const values = reservation?.headers();
    if (values !== undefined) return addTo(headers, values);
    // A 429 of the limits has its own headers, and a limiter that has failed is not asked again.
    if (!limits.hasHeaders(client) || (isMetered && reservation === undefined)) return;
    return within(clock, MAX_WAIT_MS, limits.headers(client)).then((read) => {
      if (read !== "late") addTo(headers, read);
    });
  };
}

/** Adds the headers to a response without any of them: a 429 has its own. */
function addTo(headers: Headers, values: Readonly<Record<string, string>>): void {
  const [first] = Object.keys(values);
  if (first === undefined || headers.has(first)) return;
  for (const name in values) headers.set(name, values[name]!);
}
