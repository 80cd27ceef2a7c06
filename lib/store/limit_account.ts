/**
 * The arithmetic of limits, without a back end; `limiter_script.ts` says the same in Lua.
 *
 * A rate is GCRA (ITU-T I.371) in its form of a leaky bucket. Its level is held in units times
 * `windowMs`, so that it falls by `amount` a ms and rises by `windowMs` a unit: with whole units
 * and times every number is whole, and nothing is ever rounded up to 2^53.
 *
 * @module
 */
import type { Ask, Correction, Limit, LimitState, Renewal, Taken } from "./limiter.ts";

/** What is kept of one limit. */
export interface Account {
  /** rate: units times `windowMs` that have not drained yet; sum: units. */
  level: number;
  /** rate: when `level` was right; sum: when it falls to 0. In ms since 1970. */
  at: number;
  /** parallel: when each lease ends, in ms since 1970. */
  leases: Readonly<Record<string, number>>;
}

/** What a state is told from. */
export interface Standing {
  /** As in {@link Account}; parallel: the number of leases. */
  level: number;
  /** As in {@link Account}; parallel: when the last lease ends. */
  at: number;
  /** parallel: when enough leases have ended for one more. */
  freeAt: number;
}

/** Finds a kept account. */
export type Load = (name: string) => Account | undefined;

/** Accounts to be kept in place of the former ones, and for how long; at 0 or less there is none. */
export type Changed = Map<string, { account: Account; lifeMs: number }>;

/** The name that a limit's account has in a back end. */
export function accountName({ kind, key, windowMs }: Limit): string {
  // The level of a rate means something else in another window.
  return kind === "rate" ? `rate:${windowMs}:${key}` : `${kind}:${key}`;
}

/** An account as it stands now. */
function current(account: Account | undefined, limit: Limit, now: number): Account {
  const { level, at, leases } = account ?? { level: 0, at: 0, leases: {} };
  switch (limit.kind) {
    case "rate":
      if (now <= at) return { level, at, leases };
      return { level: Math.max(0, level - (now - at) * limit.amount), at: now, leases };
    case "sum":
      return at > now ? { level, at, leases } : { level: 0, at: now + limit.windowMs, leases };
    case "parallel": {
      const living = Object.entries(leases).filter(([, end]) => end > now);
      return { level: living.length, at: 0, leases: Object.fromEntries(living) };
    }
  }
}

function fits({ level, leases }: Account, { limit, cost, lease }: Ask): boolean {
  if (cost === 0) return true;
  if (limit.kind === "rate") return level + cost * limit.windowMs <= limit.amount * limit.windowMs;
  return lease !== undefined && Object.hasOwn(leases, lease) || level + cost <= limit.amount;
}

function charge(account: Account, limit: Limit, cost: number): Account {
  const rise = limit.kind === "rate" ? cost * limit.windowMs : cost;
  return { ...account, level: Math.max(0, account.level + rise) };
}

function lend(account: Account, { limit, lease }: Renewal, now: number): Account {
  return accountOf({ ...account.leases, [lease]: now + limit.windowMs });
}

function release(account: Account, lease: string): Account {
  const { [lease]: _, ...leases } = account.leases;
  return accountOf(leases);
}

function accountOf(leases: Record<string, number>): Account {
  return { level: Object.keys(leases).length, at: 0, leases };
}

/** How long an account says more than a missing one would. */
function lifeOf({ level, at, leases }: Account, limit: Limit, now: number): number {
  if (limit.kind === "rate") return level / limit.amount;
  if (limit.kind === "sum") return level === 0 ? 0 : at - now;
  return Math.max(0, ...Object.values(leases)) - now;
}

function standingOf({ level, at, leases }: Account, { kind, amount }: Limit): Standing {
  if (kind !== "parallel") return { level, at, freeAt: 0 };
  const ends = Object.values(leases).sort((a, b) => a - b);
  return { level, at: ends.at(-1) ?? 0, freeAt: ends[level - Math.floor(amount)] ?? 0 };
}

/** Where a limit stands for one who asks `cost` of it. */
export function stateOf(limit: Limit, cost: number, now: number, standing: Standing): LimitState {
  const { level, at, freeAt } = standing;
  const { kind, amount, windowMs } = limit;
  const left = kind === "rate" ? (amount * windowMs - level) / windowMs : amount - level;
  const wait = () => {
    if (cost > amount) return Infinity;
    if (cost === 0 && kind === "parallel") return 0;
    if (kind === "rate") {
      return Math.max(0, Math.ceil((level + cost * windowMs - amount * windowMs) / amount));
    }
    return level + cost <= amount ? 0 : Math.ceil((kind === "sum" ? at : freeAt) - now);
  };
  const reset = kind === "rate" ? level / amount : level === 0 ? 0 : at - now;
  return { limit, remaining: Math.max(0, left), retryAfterMs: wait(), resetMs: Math.ceil(reset) };
}

/** {@link Limiter.take} upon the accounts that `load` finds. */
export function takeFrom(
  load: Load,
  now: number,
  asks: readonly Ask[],
): { taken: Taken; changed: Changed } {
  const accounts = asks.map(({ limit }) => current(load(accountName(limit)), limit, now));
  const ok = asks.every((ask, i) => fits(accounts[i]!, ask));
  const changed: Changed = new Map();
  const states = asks.map(({ limit, cost, lease }, i) => {
    let account = accounts[i]!;
    if (ok && cost > 0) {
      account = limit.kind === "parallel"
        ? lend(account, { limit, lease: lease! }, now)
        : charge(account, limit, cost);
      changed.set(accountName(limit), { account, lifeMs: lifeOf(account, limit, now) });
    }
    return stateOf(limit, cost, now, standingOf(account, limit));
  });
  return { taken: { ok, states }, changed };
}

/** {@link Limiter.settle} upon the accounts that `load` finds. */
export function settleIn(load: Load, now: number, corrections: readonly Correction[]): Changed {
  return changeAll(
    load,
    now,
    corrections,
    (account, { limit, cost, lease }) =>
      limit.kind === "parallel" ? release(account, lease!) : charge(account, limit, cost),
  );
}

/** {@link Limiter.renew} upon the accounts that `load` finds. */
export function renewIn(load: Load, now: number, leases: readonly Renewal[]): Changed {
  return changeAll(load, now, leases, (account, renewal) => lend(account, renewal, now));
}

function changeAll<Item extends { limit: Limit }>(
  load: Load,
  now: number,
  items: readonly Item[],
  change: (account: Account, item: Item) => Account,
): Changed {
  const changed: Changed = new Map();
  for (const item of items) {
    const name = accountName(item.limit);
    const account = change(
      current(changed.get(name)?.account ?? load(name), item.limit, now),
      item,
    );
    changed.set(name, { account, lifeMs: lifeOf(account, item.limit, now) });
  }
  return changed;
}
