/**
 * Limits that hold over all servers of one store.
 *
 * @module
 */

/** How much of something a client may use. */
export interface Limit {
  /** Whose limit of what; for a sum its calendar period too, as "alice usd 2026-01". */
  key: string;
  /** Units: of a window for a rate, in all for a sum, at once for leases. Over 0. */
  amount: number;
  /** The window of a rate, how long a sum is kept from its first unit on, or a lease's life. */
  windowMs: number;
  /**
   * rate: a bucket of `amount` units that refills by `amount` in each `windowMs` (GCRA), so that
   * any stretch of time lets through `amount` and what refilled in it; sum: a total; parallel: a
   * count of leases, each of which ends by itself if its server does not renew it.
   */
  kind: "rate" | "sum" | "parallel";
}

/** What is asked of a limit. */
export interface Ask {
  /** The limit; at most once in one call. */
  limit: Limit;
  /** Units, also parts of one; 0 only looks and is never refused. Of leases one at a time. */
  cost: number;
  /** The id of a lease; one that is held already is renewed. */
  lease?: string;
}

/** What is put right once the true cost is known. */
export interface Correction {
  /** The limit. */
  limit: Limit;
  /** Units to be charged, whatever is left, as debt if need be; below 0 they are given back. */
  cost: number;
  /** The id of a lease to be released; `cost` then counts for nothing. */
  lease?: string;
}

/** A lease that goes on. */
export interface Renewal {
  /** Its limit. */
  limit: Limit;
  /** Its id. */
  lease: string;
}

/** Where a limit stands after a call. */
export interface LimitState {
  /** The limit. */
  limit: Limit;
  /** Units that are free, also parts of one; never below 0. */
  remaining: number;
  /** Time until the asked cost is free (again), if nothing else is used; Infinity: never. */
  retryAfterMs: number;
  /** Time until all of it is free, if nothing else is used. */
  resetMs: number;
}

/** What came of a {@link Limiter.take}. */
export interface Taken {
  /** Whether all was granted; if not, nothing was taken. */
  ok: boolean;
  /** Where the limits stand, in the order of the asks. */
  states: LimitState[];
}

/**
 * Keeper of limits. Times are in ms since 1970; one that goes back refills nothing. A failing
 * back end rejects with an Error; it is then unknown what was done.
 */
export interface Limiter {
  /**
   * Takes all that is asked, or nothing, in one step.
   *
   * @throws {TypeError} on an ask that is none
   */
  take(now: number, asks: readonly Ask[]): Promise<Taken>;
  /**
   * Corrects what was taken. What is given back to a rate counts from now on: over any stretch of
   * time, units taken less units given back stay within the limit.
   *
   * @throws {TypeError} on a correction that is none
   */
  settle(now: number, corrections: readonly Correction[]): Promise<void>;
  /**
   * Lets leases live on. One that has run out is taken anew, whatever the limit says, as its work
   * goes on all the same.
   *
   * @throws {TypeError} on a limit that is none
   */
  renew(now: number, leases: readonly Renewal[]): Promise<void>;
  /** Lets go of all that is open; a second call does nothing. */
  close(): Promise<void>;
}

function checkLimit({ key, amount, windowMs }: Limit): void {
  if (!(amount > 0 && amount < Infinity && windowMs > 0 && windowMs < Infinity)) {
    throw new TypeError(
      `Cannot use the limit "${key}": 'amount' and 'windowMs' must be over 0, not ${amount} and ${windowMs}`,
    );
  }
}

/** Checks what a caller hands to {@link Limiter.take}, for the adapters. */
export function checkAsks(asks: readonly Ask[]): void {
  for (const { limit, cost, lease } of asks) {
    checkLimit(limit);
    const isLease = limit.kind === "parallel";
    const isRight = isLease ? cost === 0 || cost === 1 && lease !== undefined : cost >= 0;
    if (!isRight || cost === Infinity) {
      throw new TypeError(`Cannot take ${cost} of the limit "${limit.key}"`);
    }
  }
  if (new Set(asks.map(({ limit }) => `${limit.kind} ${limit.key}`)).size < asks.length) {
    throw new TypeError("Cannot take of a limit twice at once");
  }
}

/** Checks what a caller hands to {@link Limiter.settle}, for the adapters. */
export function checkCorrections(corrections: readonly Correction[]): void {
  for (const { limit, cost, lease } of corrections) {
    checkLimit(limit);
    if (limit.kind === "parallel" ? lease === undefined : !Number.isFinite(cost)) {
      throw new TypeError(`Cannot settle ${cost} of the limit "${limit.key}"`);
    }
  }
}

/** Checks what a caller hands to {@link Limiter.renew}, for the adapters. */
export function checkRenewals(leases: readonly Renewal[]): void {
  for (const { limit } of leases) {
    checkLimit(limit);
    if (limit.kind !== "parallel") {
      throw new TypeError(`Cannot renew a lease of the limit "${limit.key}": it has none`);
    }
  }
}
