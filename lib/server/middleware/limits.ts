import { type Clock, within } from "../../clock.ts";
import { ANONYMOUS } from "../client.ts";
import type { Limits } from "../limits/charge.ts";
import type { Middleware } from "./chain.ts";

/** Sent to clients without limits: some load balancers require these headers. */
const UNLIMITED: Readonly<Record<string, string>> = {
  "x-ratelimit-limit-requests": "1000000",
  "x-ratelimit-remaining-requests": "1000000",
  "x-ratelimit-reset-requests": "0s",
  "x-ratelimit-limit-tokens": "1000000000",
  "x-ratelimit-remaining-tokens": "1000000000",
  "x-ratelimit-reset-tokens": "0s",
};

/** Longest wait in milliseconds for a limiter that is slow to tell what is left. */
const MAX_WAIT_MS = 20;

/** Takes from the limits what is known before the body is read, and ends it with the request. */
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

/** Adds `x-ratelimit-*` headers. Nothing is read for a client that is not known. */
export function rateLimitHeaders(limits: Limits, clock: Clock): Middleware {
  return async (_request, exchange, next) => {
    const response = await next();
    const { client } = exchange;
    let own = exchange.reservation?.headers();
    if (own === undefined && client !== ANONYMOUS) {
      const read = await within(clock, MAX_WAIT_MS, limits.headers(client));
      if (read !== "late") own = read;
    }
    for (const name in UNLIMITED) {
      // A 429 has its own.
      if (!response.headers.has(name)) {
        response.headers.append(name, own?.[name] ?? UNLIMITED[name]!);
      }
    }
    return response;
  };
}
