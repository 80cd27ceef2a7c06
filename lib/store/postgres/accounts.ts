import { accountName, type ChangedAccount, leaseSpanMs } from "../limit_account.ts";
import type { Charge, LimiterAction } from "../limiter.ts";
import type { Row, Statement } from "./driver.ts";
import { PartialLeases, type SentLease } from "./leases.ts";

/** Charges that are made in one atomic step. */
export interface Call {
  action: LimiterAction;
  charges: readonly Charge[];
}

/** The parts of an account that calls need. */
interface Need {
  /** A lease that ends later than this many ms from now is not live. */
  spanMs: number;
  /** Number of leases that end first, besides those that exceed the amount. */
  front: number;
  amount: number;
  leases: Set<string>;
}

/** What calls need of their accounts, by name. */
export type Needs = Map<string, Need>;

export interface LoadedAccount {
  level: number;
  at: number;
  leases: PartialLeases;
}

export function needsOf(calls: readonly Call[]): Needs {
  const needs: Needs = new Map();
  for (const { limit, lease } of calls.flatMap(({ charges }) => charges)) {
    const isParallel = limit.kind === "parallel";
    const name = accountName(limit);
    const need = needs.get(name) ?? {
      spanMs: leaseSpanMs(limit),
      front: isParallel ? 1 : 0,
      amount: Infinity,
      leases: new Set(),
    };
    needs.set(name, need);
    // The charge may add a lease, and end one of those that end first.
    if (isParallel) need.front += 2;
    need.amount = Math.min(need.amount, Math.floor(limit.amount));
    if (lease !== undefined) need.leases.add(lease);
  }
  return needs;
}

/** @param now null for the time of Postgres. */
export function loadStatement(needs: Needs, isLocked: boolean, now: number | null): Statement {
  const all = [...needs.values()];
  const leases = all.flatMap((need, i) => [...need.leases].map((id) => ({ id, position: i + 1 })));
  return {
    name: "load_limits",
    text: "select * from o1_api.load_limits($1, $2, $3, $4, $5, $6, $7, $8)",
    values: [
      isLocked,
      now,
      [...needs.keys()],
      all.map(({ spanMs }) => spanMs),
      all.map(({ front }) => front),
      all.map(({ amount }) => amount),
      leases.map(({ position }) => position),
      leases.map(({ id }) => id),
    ],
  };
}

/** Reads the answer to {@link loadStatement}. */
export function readAccounts(needs: Needs, rows: readonly Row[]): Map<string, LoadedAccount> {
  return new Map(
    [...needs].map(([name, { spanMs }], i) => {
      const row = rows[i]!;
      const now = Number(row.present);
      // A lease may be named and end first.
      const leases = new Map(
        ["leases", "front"].flatMap((column): SentLease[] => JSON.parse(row[column]!))
          .map((lease) => [lease[0], lease]),
      );
      const all = {
        held: Number(row.held),
        lastEnd: Number(row.last_end),
        hasExpired: row.has_expired === "t",
      };
      return [name, {
        level: Number(row.level),
        at: Number(row.at),
        leases: new PartialLeases([...leases.values()], all, now, now + spanMs),
      }];
    }),
  );
}

/** Writes what has changed. Postgres refuses it after the deadline, in ms since 1970. */
export function saveStatement({ needs, accounts, changed, now, deadline }: {
  needs: Needs;
  accounts: ReadonlyMap<string, LoadedAccount>;
  changed: ReadonlyMap<string, ChangedAccount>;
  now: number;
  deadline: number | null;
}): Statement {
  const all = [...changed];
  const leases = all.map(([name]) => ({ name, leases: accounts.get(name)!.leases }));
  const purged = leases.filter(({ leases }) => leases.isPurged).map(({ name }) => name);
  const removed = leases.flatMap(({ name, leases }) =>
    leases.removed().map((id) => ({ name, id }))
  );
  const added = leases.flatMap(({ name, leases }) =>
    leases.added().map(([id, cost, end]) => ({ name, id, cost, end }))
  );
  return {
    name: "save_limits",
    text:
      "select o1_api.save_limits($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    values: [
      deadline,
      all.map(([name]) => name),
      all.map(([, { account }]) => account.level),
      all.map(([, { account }]) => account.at),
      all.map(([name]) =>
        accounts.get(name)!.leases.summary(now, now + needs.get(name)!.spanMs).held
      ),
      all.map(([, { lifeMs }]) => lifeMs > 0 ? now + lifeMs : null),
      purged,
      purged.map(() => now),
      purged.map((name) => now + needs.get(name)!.spanMs),
      removed.map(({ name }) => name),
      removed.map(({ id }) => id),
      added.map(({ name }) => name),
      added.map(({ id }) => id),
      added.map(({ cost }) => cost),
      added.map(({ end }) => end),
    ],
  };
}
