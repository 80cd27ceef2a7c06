/** Limits that are shared by all servers of one store. */
import { callBackend } from "./backend.ts";

export interface Limit {
  /** Names the counter; of a sum also its calendar period, as in "alice usd 2026-01". */
  key: string;
  /**
   * Limits that are taken together, such as those of a client. Redis keeps a group in one value.
   *
   * @default the limit alone
   */
  group?: string;
  /** Units in each window (rate), or in total (sum). Greater than 0. */
  amount: number;
  /** Window of a rate, or lifetime of a sum from its first unit. */
  windowMs: number;
  /**
   * rate: a bucket of `amount` units that refills at `amount` per `windowMs` (GCRA); sum: a total,
   * of which leases can hold a part, such as one unit for each parallel request. A lease expires,
   * and no longer counts, unless its server renews it.
   */
  kind: "rate" | "sum";
}

/** Lifetime of a lease; that of its sum if it is shorter. */
export const LEASE_MS = 60_000;

/** Leases end at multiples of this time, so that those of a limit have few different ends. */
export const LEASE_END_MS = 1_000;

/** How long the id of a settlement is remembered. */
export const SETTLED_MS = 600_000;

/** A call that failed has no effect once this time has passed since it was made. */
export const CALL_MS = 3_000;

/** Leases that a back end renews at once. 500 of a sum block Redis for about 4 ms. */
const RENEWED_AT_ONCE = 500;

/** Units of a limit. */
export interface Charge {
  limit: Limit;
  /** May be fractional. */
  cost: number;
  /** Id of the lease that holds the units of a sum. Default: they are charged at once. */
  lease?: string | undefined;
  /** Units that were used: a take charges them to the sum, and the lease holds so much less. */
  used?: number;
  /** Set by `settle`: the id of the settlement, which this charge remembers. */
  settlement?: string;
}

/** A limit after a call. */
export interface LimitState {
  limit: Limit;
  /** Units available, at least 0; may be fractional. */
  remaining: number;
  /**
   * Time until the cost is available if nothing else is charged; Infinity: never. For a sum, the
   * time until it resets: leases may be released earlier.
   */
  retryAfterMs: number;
  /** Time until the limit is unused if nothing else is charged. */
  resetMs: number;
}

export interface TakeResult {
  /** Whether everything was charged. If false, nothing was. */
  ok: boolean;
  /** In the order of the charges. */
  states: LimitState[];
}

/**
 * The back end keeps the time, so that the clocks of servers may differ. A clock that goes back
 * refills nothing, unless it goes back so far that a limit would be frozen: by more than a window,
 * or two lifetimes of a lease. Methods reject with a `StoreError` if the back end fails; the call
 * may then have had an effect or not, or still have one within {@linkcode CALL_MS}.
 */
export interface Limiter {
  /**
   * Charges everything or nothing, in one atomic step. A cost of 0 only reads, and always succeeds.
   * Taking a lease that is already held renews it, and adds the units to it.
   *
   * @throws {TypeError} if a charge is invalid, or a limit is repeated
   */
  take(charges: readonly Charge[]): Promise<TakeResult>;
  /**
   * Charges unconditionally, into debt if necessary. A negative cost is refunded, to a rate as of
   * now: over any period, units charged minus units refunded stay within the limit. Leases are
   * released, held or not: the cost is charged instead of what the lease held.
   *
   * @param id if given, the call has no effect if a call with this id had one in the last
   *   {@linkcode SETTLED_MS}: a call whose answer was lost can be repeated
   * @throws {TypeError} if a charge is invalid
   */
  settle(charges: readonly Charge[], id?: string): Promise<void>;
  /**
   * Extends leases. One that has expired is taken again with the cost, even beyond the limit,
   * because its work is still running.
   *
   * @throws {TypeError} if a charge is invalid or has no lease
   */
  renew(charges: readonly Charge[]): Promise<void>;
  /** Whether no call fails, as in memory, so that none has to be repeated. Default: false. */
  readonly neverFails?: boolean;
  /** Closes the connection; further calls do nothing. */
  close(): Promise<void>;
}

export type LimiterAction = "take" | "settle" | "renew";

/** An implementation of limits. Its arguments have been validated, and it may be synchronous. */
export interface LimiterBackend {
  /** Takes or settles in one atomic step. The result matters for `take` only. */
  apply(
    action: LimiterAction,
    charges: readonly Charge[],
  ): TakeResult | Promise<TakeResult>;
  /** Leases that it renews at once. Default: {@linkcode RENEWED_AT_ONCE}. */
  renewedAtOnce?: number;
  close(): void | Promise<void>;
}

/** Puts validation in front of a back end. */
export function createLimiter(backend: LimiterBackend): Limiter {
  const { renewedAtOnce = RENEWED_AT_ONCE } = backend;
  let isOpen = true;
  async function apply(action: LimiterAction, charges: readonly Charge[]) {
    if (action === "take") checkDistinct(charges);
    for (const charge of charges) checkCharge(action, charge);
    if (charges.length === 0) return { ok: true, states: [] };
    return await callBackend(() => backend.apply(action, charges));
  }
  return {
    take: (charges) => apply("take", charges),
    async settle(charges, id) {
      await apply("settle", id === undefined ? charges : [settlementOf(id), ...charges]);
    },
    async renew(charges) {
      for (let first = 0; first < charges.length; first += renewedAtOnce) {
        await apply("renew", charges.slice(first, first + renewedAtOnce));
      }
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await backend.close();
    },
  };
}

function checkDistinct(charges: readonly Charge[]): void {
  const isRepeated = ({ limit: { kind, key } }: Charge, i: number) =>
    charges.findIndex(({ limit }) => limit.kind === kind && limit.key === key) < i;
  if (charges.some(isRepeated)) {
    throw new TypeError("Cannot take from the same limit twice at once");
  }
}

function settlementOf(id: string): Charge {
  const limit: Limit = { key: `settlement ${id}`, kind: "sum", amount: 1, windowMs: SETTLED_MS };
  return { limit, cost: 1, settlement: id };
}

function checkCharge(action: LimiterAction, { limit, cost, lease, used = 0 }: Charge): void {
  const { key, kind, amount, windowMs } = limit;
  if (!(amount > 0 && amount < Infinity && windowMs > 0 && windowMs < Infinity)) {
    throw new TypeError(
      `Cannot use the limit "${key}": 'amount' and 'windowMs' must be greater than 0, not ${amount} and ${windowMs}`,
    );
  }
  const isValid = Number.isFinite(cost) && (action === "settle" || cost >= 0) &&
    used >= 0 && used < Infinity && (lease === undefined ? action !== "renew" : kind === "sum");
  if (!isValid) throw new TypeError(`Cannot ${action} ${cost} of the ${kind} limit "${key}"`);
}
