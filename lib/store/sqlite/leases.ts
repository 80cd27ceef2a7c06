import type { DatabaseSync } from "node:sqlite";
import type { AccountLease, Leases } from "../limit_account.ts";

/** Prepares the leases of accounts in a table; the 5,000 of an account are summed in 0.4 ms. */
export function prepareLeases(database: DatabaseSync): (key: string) => Leases {
  const live = "key = ?1 and end_at > ?2 and end_at <= ?3";
  const summary = database.prepare(
    `select total(cost) held, ifnull(max(end_at), 0) lastEnd,
       exists (select 1 from leases where key = ?1 and end_at <= ?2) or
       exists (select 1 from leases where key = ?1 and end_at > ?3) hasExpired
     from leases where ${live}`,
  );
  const get = database.prepare("select cost, end_at as end from leases where key = ? and id = ?");
  const set = database.prepare("insert or replace into leases values (?, ?, ?, ?)");
  const remove = database.prepare("delete from leases where key = ? and id = ?");
  const removeExpired = database.prepare(
    "delete from leases where key = ? and (end_at <= ? or end_at > ?)",
  );
  const nth = database.prepare(
    `select end_at as end from leases where ${live} order by end_at limit 1 offset ?4`,
  );
  return (key) => ({
    summary(now, latest) {
      const { held, lastEnd, hasExpired } = summary.get(key, now, latest)!;
      return { held: Number(held), lastEnd: Number(lastEnd), hasExpired: hasExpired === 1 };
    },
    get: (id) => get.get(key, id) as AccountLease | undefined,
    set: (id, { cost, end }) => void set.run(key, id, cost, end),
    delete: (id) => void remove.run(key, id),
    deleteExpired: (now, latest) => void removeExpired.run(key, now, latest),
    endAt: (index, now, latest) => Number(nth.get(key, now, latest, index)!.end),
  });
}
