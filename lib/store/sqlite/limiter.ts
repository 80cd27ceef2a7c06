import { applyCharges } from "../limit_account.ts";
import { createLimiter, type Limiter } from "../limiter.ts";
import { retryWhileLocked } from "../retry_while_locked.ts";
import { openSqliteDatabase, transact } from "./database.ts";

/** Unused values that each call deletes, and how long they are kept. */
const PURGE_ROWS = 10;
const PURGE_MS = 60_000;

/**
 * Opens limits in a SQLite file, which other processes and a store may share.
 *
 * @param options.now returns ms since 1970
 * @throws {Error} if the file cannot be read and written
 */
export async function openSqliteLimiter(
  { path, ...options }: { path: string; now: () => number },
): Promise<Limiter> {
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

  function load(name: string): unknown {
    const row = select.get(name);
    return row && JSON.parse(String(row.account));
  }

  return createLimiter({
    apply(action, charges) {
      const now = options.now();
      // A read needs no lock, so it does not wait for other processes that write.
      if (action === "take" && charges.every(({ cost }) => cost === 0)) {
        return retryWhileLocked(() => applyCharges(action, now, charges, load).result);
      }
      return transact(database, () => {
        purge.run(now - PURGE_MS);
        const { result, changes } = applyCharges(action, now, charges, load);
        for (const [name, { value, lifeMs }] of changes) {
          if (lifeMs > 0) put.run(name, JSON.stringify(value), now + lifeMs);
          else remove.run(name);
        }
        return result;
      });
    },
    close: () => database.close(),
  });
}
