/**
 * The arithmetic of limits, without a back end. `redis/limiter_script.ts` is the same in Lua.
 *
 * A rate is GCRA (ITU-T I.371) as a leaky bucket. Its level is in units times `windowMs`, so that
 * it falls by `amount` per ms and rises by `windowMs` per unit: with whole units and times, every
 * number is whole, and exact up to 2^53.
 */
import {
  type Charge,
  LEASE_END_MS,
  LEASE_MS,
  type Limit,
  type LimiterAction,
  type LimitState,
  type TakeResult,
} from "./limiter.ts";

/** The stored state of one limit. */
export interface Account {
  /** rate: units times `windowMs` that have not drained yet; sum: units, without those of leases. */
  level: number;
  /** rate: when `level` was computed; sum: when it resets. In ms since 1970. */
  at: number;
  /**
   * Units of all leases that end at the same time. Ends are whole seconds, so these are few: with
   * 5,000 leases their sum takes 0.4 µs, and a pass over the leases took 30 µs.
   */
  ends?: [end: number, units: number][] | undefined;
}

/** What a lease holds of each account, and the end under which the units are summed there. */
export type Lease = [account: string, units: number, end: number][];

/**
 * The new values by name. One differs from a missing value for `lifeMs` milliseconds, or not at all
 * if this is 0 or less. null: a lease that holds nothing.
 */
export type Changes = Map<string, { value: Account | Lease | null; lifeMs: number }>;

/** Name of a limit's account in a back end. The level of a rate is relative to its window. */
export function accountName(limit: Limit): string {
  let name = names.get(limit);
  if (name === undefined) {
    const { kind, key, windowMs } = limit;
    name = kind === "rate" ? `bucket:${windowMs}:${key}` : `${kind}:${key}`;
    names.set(limit, name);
  }
  return name;
}

/** A request has about ten charges, of the same few limits: saves 1.4 of 5.4 µs. */
const names = new WeakMap<Limit, string>();

const leaseName = (id: string) => `lease:${id}`;

/** Returns the names of the values that charges need: accounts, then leases. */
export function namesOf(charges: readonly Charge[]): { accounts: string[]; leases: string[] } {
  const leases = charges.flatMap(({ lease }) => lease === undefined ? [] : leaseName(lease));
  return {
    accounts: [...new Set(charges.map(({ limit }) => accountName(limit)))],
    leases: [...new Set(leases)],
  };
}

/**
 * Applies charges to the values that `load` returns by name, and changes them in place.
 *
 * @param load returns undefined or null for a missing value
 */
export function applyCharges(
  action: LimiterAction,
  now: number,
  charges: readonly Charge[],
  load: (name: string) => unknown,
): { result: TakeResult; changes: Changes } {
  const accounts = new Map<string, CurrentAccount>();
  const leases = new Map<string, CurrentLease>();
  const leaseOf = (id: string): CurrentLease => {
    let lease = leases.get(id);
    if (lease === undefined) {
      const name = leaseName(id);
      lease = { name, stored: (load(name) ?? []) as Lease, isCharged: false };
      leases.set(id, lease);
    }
    return lease;
  };
  const items = charges.map(({ limit, cost, lease: id, used = 0 }): Item => {
    const name = accountName(limit);
    let account = accounts.get(name);
    if (account === undefined) {
      account = current((load(name) ?? { level: 0, at: 0 }) as Account, limit, now);
      accounts.set(name, account);
    }
    return { limit, cost, lease: id === undefined ? undefined : leaseOf(id), used, name, account };
  });
  const isRepeated = charges.some(({ settlement }, i) =>
    settlement !== undefined && items[i]!.account.level > 0
  );
  const changes: Changes = new Map();
  if (isRepeated) return { result: { ok: true, states: [] }, changes };
  const isTake = action === "take";
  const ok = !isTake || items.every(fits);
  const charged = ok ? items.filter(({ cost }) => action === "settle" || cost > 0) : [];
  for (const item of charged) charge(item, action, now);
  for (const { name, account, limit } of charged) {
    const { stored } = account;
    stored.level = account.level;
    stored.at = account.at;
    changes.set(name, { value: stored, lifeMs: lifeOf(account, limit, now) });
  }
  for (const { name, stored, isCharged } of leases.values()) {
    if (!isCharged) continue;
    const lifeMs = stored.reduce((last, [, , end]) => Math.max(last, end), 0) - now;
    changes.set(name, { value: stored.length === 0 ? null : stored, lifeMs });
  }
  const states = isTake
    ? items.map(({ limit, cost, account: { level, held, at } }) =>
      stateOf(limit, cost, now, { level: level + held, at })
    )
    : [];
  return { result: { ok, states }, changes };
}

/** An account as of now. `stored` changes only when something is charged. */
interface CurrentAccount {
  stored: Account;
  level: number;
  at: number;
  /** Units of its live leases. */
  held: number;
  /** Latest end of a live lease: a later one was taken by a clock that has since been set back. */
  latest: number;
  hasExpired: boolean;
}

interface CurrentLease {
  name: string;
  stored: Lease;
  isCharged: boolean;
}

interface Item {
  limit: Limit;
  cost: number;
  lease: CurrentLease | undefined;
  used: number;
  name: string;
  account: CurrentAccount;
}

const leaseMs = ({ windowMs }: Limit) => Math.min(windowMs, LEASE_MS);

const endOf = (limit: Limit, now: number) =>
  Math.ceil((now + leaseMs(limit)) / LEASE_END_MS) * LEASE_END_MS;

const isLive = (end: number, now: number, latest: number) => end > now && end <= latest;

function current(stored: Account, limit: Limit, now: number): CurrentAccount {
  const { kind, amount, windowMs } = limit;
  let { level, at } = stored;
  let held = 0;
  let hasExpired = false;
  const latest = now + 2 * leaseMs(limit) + LEASE_END_MS;
  if (kind === "rate") {
    // Written by a clock that has since been set back by more than a window.
    const isSetBack = at - now > windowMs;
    level = isSetBack ? 0 : Math.max(0, level - Math.max(0, now - at) * amount);
    at = isSetBack ? now : Math.max(at, now);
    return { stored, level, at, held, latest, hasExpired };
  }
  for (const [end, units] of stored.ends ?? []) {
    if (isLive(end, now, latest)) held += units;
    else hasExpired = true;
  }
  if (at <= now) level = 0;
  if (level + held === 0 || at <= now) at = now + windowMs;
  return { stored, level, at, held, latest, hasExpired };
}

function fits({ limit, cost, account: { level, held } }: Item): boolean {
  const { kind, amount, windowMs } = limit;
  if (cost === 0) return true;
  return kind === "rate"
    ? level + cost * windowMs <= amount * windowMs
    : level + held + cost <= amount;
}

function charge(item: Item, action: LimiterAction, now: number): void {
  const { limit, cost, lease, account } = item;
  const { stored, latest } = account;
  if (account.hasExpired) stored.ends = stored.ends?.filter(([end]) => isLive(end, now, latest));
  account.hasExpired = false;
  if (lease !== undefined) {
    chargeLease(item, lease, action, now);
    if (action !== "settle") return;
  }
  // An empty rate keeps no time of a clock that was ahead: some back ends do not store it.
  if (limit.kind === "rate" && account.level === 0) account.at = now;
  const rise = limit.kind === "rate" ? cost * limit.windowMs : cost;
  account.level = Math.max(0, account.level + rise);
  if (limit.kind === "sum" && account.level + account.held === 0) account.at = now + limit.windowMs;
}

function chargeLease(
  { limit, cost, used, name, account }: Item,
  lease: CurrentLease,
  action: LimiterAction,
  now: number,
): void {
  const ends = account.stored.ends ??= [];
  const index = lease.stored.findIndex(([account]) => account === name);
  let before = 0;
  if (index >= 0) {
    const [, units, oldEnd] = lease.stored[index]!;
    lease.stored.splice(index, 1);
    before = Math.min(units, ends.find(([end]) => end === oldEnd)?.[1] ?? 0);
    addUnits(ends, oldEnd, -before);
  }
  let after = 0;
  if (action !== "settle") {
    after = before || cost;
    if (action === "take") {
      after = Math.max(0, before + cost - used);
      account.level += used;
    }
    const end = endOf(limit, now);
    addUnits(ends, end, after);
    if (after > 0) lease.stored.push([name, after, end]);
  }
  account.held += after - before;
  lease.isCharged = true;
}

function addUnits(ends: NonNullable<Account["ends"]>, end: number, units: number): void {
  if (units === 0) return;
  const found = ends.find(([other]) => other === end);
  if (found === undefined) ends.push([end, units]);
  else found[1] += units;
  if (found?.[1] === 0) ends.splice(ends.indexOf(found), 1);
}

function lifeOf({ level, at, held }: CurrentAccount, limit: Limit, now: number): number {
  if (limit.kind === "rate") return level / limit.amount;
  const leasesMs = held > 0 ? leaseMs(limit) : 0;
  return level > 0 ? Math.max(at - now, leasesMs) : leasesMs;
}

/** The state of a limit for a request of `cost`. The level of a sum includes what leases hold. */
export function stateOf(
  limit: Limit,
  cost: number,
  now: number,
  { level, at }: Pick<Account, "level" | "at">,
): LimitState {
  const { kind, amount, windowMs } = limit;
  const left = kind === "rate" ? (amount * windowMs - level) / windowMs : amount - level;
  const reset = kind === "rate" ? level / amount : level === 0 ? 0 : at - now;
  let wait = 0;
  if (cost > amount) wait = Infinity;
  else if (kind === "rate") {
    wait = Math.max(0, (level + cost * windowMs - amount * windowMs) / amount);
  } else if (level + cost > amount) wait = at - now;
  return {
    limit,
    remaining: Math.max(0, left),
    retryAfterMs: Math.ceil(wait),
    resetMs: Math.ceil(reset),
  };
}
