/**
 * The arithmetic of limits, without a back end. `redis/limiter_script.ts` is the same in Lua.
 *
 * A rate is GCRA (ITU-T I.371) as a leaky bucket. Its level is in units times `windowMs`, so that
 * it falls by `amount` per ms and rises by `windowMs` per unit: with whole units and times, every
 * number is whole, and exact up to 2^53.
 *
 * @module
 */
import type { Charge, Limit, LimiterAction, LimitState, TakeResult } from "./limiter.ts";

/** The stored state of one limit. */
export interface Account {
  /** rate: units times `windowMs` that have not drained yet; sum: units; parallel: leases. */
  level: number;
  /** rate: when `level` was computed; sum: when it resets. In ms since 1970. */
  at: number;
  /** parallel: when each lease expires, in ms since 1970. */
  leases: Record<string, number>;
}

/** What {@linkcode stateOf} needs to know of an account. */
export interface Level {
  level: number;
  /** As in {@link Account}; parallel: when the last lease expires. */
  at: number;
  /** parallel: when enough leases have expired for one more. */
  freeAt: number;
}

/** A changed account; `lifeMs` is how long it differs from a missing one, and 0 or less if not. */
export interface ChangedAccount {
  account: Account;
  lifeMs: number;
}

/** Name of a limit's account in a back end. The level of a rate is relative to its window. */
export function accountName({ kind, key, windowMs }: Limit): string {
  return kind === "rate" ? `rate:${windowMs}:${key}` : `${kind}:${key}`;
}

/** Applies charges to copies of the accounts that `load` returns by name. */
export function applyCharges(
  action: LimiterAction,
  now: number,
  charges: readonly Charge[],
  load: (name: string) => Account | undefined,
): { result: TakeResult; changed: Map<string, ChangedAccount> } {
  const accounts = new Map<string, Account>();
  const items = charges.map((charge) => {
    const { limit } = charge;
    const name = accountName(limit);
    const account = accounts.get(name) ?? current(load(name), limit, now);
    accounts.set(name, account);
    return { ...charge, name, account };
  });
  const isTake = action === "take";
  const ok = !isTake || items.every(fits);
  const charged = ok ? items.filter(({ cost }) => !isTake || cost > 0) : [];
  for (const item of charged) charge(item, action, now);
  const changed = new Map<string, ChangedAccount>();
  for (const { name, account, limit } of charged) {
    if (!changed.has(name)) changed.set(name, { account, lifeMs: lifeOf(account, limit, now) });
  }
  const states = isTake
    ? items.map(({ limit, cost, account }) => stateOf(limit, cost, now, levelOf(account, limit)))
    : [];
  return { result: { ok, states }, changed };
}

interface Item extends Charge {
  account: Account;
}

/** A copy of the account as of now. */
function current(account: Account | undefined, limit: Limit, now: number): Account {
  const { level, at, leases } = account ?? { level: 0, at: 0, leases: {} };
  switch (limit.kind) {
    case "rate":
      // Written by a clock that has since been set back by more than a window.
      if (at - now > limit.windowMs) return { level: 0, at: now, leases };
      if (now <= at) return { level, at, leases };
      return { level: Math.max(0, level - (now - at) * limit.amount), at: now, leases };
    case "sum":
      return at > now ? { level, at, leases } : { level: 0, at: now + limit.windowMs, leases };
    case "parallel": {
      // A lease that ends later was taken by a clock that has since been set back.
      const latest = now + 2 * limit.windowMs;
      const live = Object.entries(leases).filter(([, end]) => end > now && end <= latest);
      return { level: live.length, at: 0, leases: Object.fromEntries(live) };
    }
  }
}

function fits({ limit, cost, lease, account: { level, leases } }: Item): boolean {
  if (cost === 0) return true;
  if (limit.kind === "rate") return level + cost * limit.windowMs <= limit.amount * limit.windowMs;
  return lease !== undefined && Object.hasOwn(leases, lease) || level + cost <= limit.amount;
}

function charge({ limit, cost, lease, account }: Item, action: LimiterAction, now: number): void {
  const { kind, windowMs } = limit;
  if (kind !== "parallel") {
    account.level = Math.max(0, account.level + (kind === "rate" ? cost * windowMs : cost));
    return;
  }
  if (Object.hasOwn(account.leases, lease!)) account.level--;
  if (action === "settle") delete account.leases[lease!];
  else {
    account.leases[lease!] = now + windowMs;
    account.level++;
  }
}

function lifeOf({ level, at, leases }: Account, limit: Limit, now: number): number {
  if (limit.kind === "rate") return level / limit.amount;
  if (limit.kind === "sum") return level === 0 ? 0 : at - now;
  return Math.max(0, ...Object.values(leases)) - now;
}

function levelOf({ level, at, leases }: Account, { kind, amount }: Limit): Level {
  if (kind !== "parallel") return { level, at, freeAt: 0 };
  const ends = Object.values(leases).sort((a, b) => a - b);
  return { level, at: ends.at(-1) ?? 0, freeAt: ends[level - Math.floor(amount)] ?? 0 };
}

/** The state of a limit for a request of `cost`. */
export function stateOf(
  limit: Limit,
  cost: number,
  now: number,
  { level, at, freeAt }: Level,
): LimitState {
  const { kind, amount, windowMs } = limit;
  const left = kind === "rate" ? (amount * windowMs - level) / windowMs : amount - level;
  const reset = kind === "rate" ? level / amount : level === 0 ? 0 : at - now;
  let wait = 0;
  if (cost > amount) wait = Infinity;
  else if (kind === "rate") {
    wait = Math.max(0, (level + cost * windowMs - amount * windowMs) / amount);
  } else if (level + cost > amount && !(kind === "parallel" && cost === 0)) {
    wait = (kind === "sum" ? at : freeAt) - now;
  }
  return {
    limit,
    remaining: Math.max(0, left),
    retryAfterMs: Math.ceil(wait),
    resetMs: Math.ceil(reset),
  };
}
