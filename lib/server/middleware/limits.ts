import { type Clock, within } from "../../clock.ts";
import type { Limits } from "../limits/charge.ts";
import { LIMIT_HEADERS } from "../limits/rejection.ts";
import type { Middleware } from "./chain.ts";

/** Longest wait for the state of the limits, in milliseconds. */
const MAX_WAIT_MS = 20;

/** Charges what is known before the body is read; the reservation ends with the request. */
export function meterRequests(limits: Limits): Middleware {
  return async (_request, exchange, next) => {
    const { client, match: { route: { meter } } } = exchange;
    const reservation = meter && await limits.begin(client, meter);
    if (reservation !== undefined) {
      exchange.reservation = reservation;
      exchange.onFinish(reservation.end);
    }
    return await next();
  };
}

/** Adds the `x-ratelimit-*` headers of the client's limits. */
export function rateLimitHeaders(limits: Limits, clock: Clock): Middleware {
  return async (_request, exchange, next) => {
    const response = await next();
    const { headers } = response;
    let values = exchange.reservation?.headers();
    if (values === undefined && limits.hasHeaders(exchange.client) && !hasLimits(headers)) {
      const read = await within(clock, MAX_WAIT_MS, limits.headers(exchange.client));
      if (read !== "late") values = read;
    }
    for (const name in values) {
      // A 429 has its own.
      if (!headers.has(name)) headers.set(name, values[name]!);
    }
    return response;
  };
}

const hasLimits = (headers: Headers) => LIMIT_HEADERS.some((name) => headers.has(name));
