/**
 * Limits in a SQLite file, which several processes may share.
 *
 * @module
 */
import { type Account, type Changed, renewIn, settleIn, takeFrom } from "../limit_account.ts";
import { checkAsks, checkCorrections, checkRenewals, type Limiter } from "../limiter.ts";
import { openSqliteDatabase, transact } from "./database.ts";

/** Spent accounts that a change clears away in passing, and how long after their end. */
const PURGE_ROWS = 10;
const PURGE_MS = 60_000;

/**
 * Opens limits in a SQLite file; the file of a store will do.
 *
 * @throws {Error} where the file can't be read and written
 */
export async function openSqliteLimiter({ path }: { path: string }): Promise<Limiter> {
  const database = await openSqliteDatabase(path);
  const select = database.prepare("select account from limits where key = ?");
  const put = database.prepare(
    `insert into limits (key, account, expires_at) values (?, ?, ?)
     on conflict do update set account = excluded.account, expires_at = excluded.expires_at`,
  );
  const remove = database.prepare("delete from limits where key = ?");
  const purge = database.prepare(
    `delete from limits where rowid in
       (select rowid from limits where expires_at <= ? limit ${PURGE_ROWS})`,
  );

  function load(name: string): Account | undefined {
    const row = select.get(name);
    return row && JSON.parse(String(row.account));
  }

  function keep(now: number, changed: Changed): void {
    if (changed.size > 0) purge.run(now - PURGE_MS);
    for (const [name, { account, lifeMs }] of changed) {
      if (lifeMs > 0) put.run(name, JSON.stringify(account), now + lifeMs);
      else remove.run(name);
    }
  }

  return {
    // deno-lint-ignore require-await -- faults reject, as with the other limiters
    async take(now, asks) {
      checkAsks(asks);
      return transact(database, () => {
        const { taken, changed } = takeFrom(load, now, asks);
        keep(now, changed);
        return taken;
      });
    },
    // deno-lint-ignore require-await -- as above
    async settle(now, corrections) {
      checkCorrections(corrections);
      transact(database, () => keep(now, settleIn(load, now, corrections)));
    },
    // deno-lint-ignore require-await -- as above
    async renew(now, leases) {
      checkRenewals(leases);
      transact(database, () => keep(now, renewIn(load, now, leases)));
    },
    close() {
      if (database.isOpen) database.close();
      return Promise.resolve();
    },
  };
}
