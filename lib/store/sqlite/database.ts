import type { DatabaseSync } from "node:sqlite";
import { retryWhileLocked } from "../retry_while_locked.ts";

/** Version of the tables, stored in the file. */
const LAYOUT = 1;

const TABLES = `
  create table if not exists entries (
    collection text not null,
    id text not null,
    value blob not null,
    version integer not null,
    expires_at real,
    primary key (collection, id)
  ) strict;
  create index if not exists entries_by_expiry on entries (expires_at) where expires_at is not null;
  create table if not exists writes (only integer primary key check (only = 1), n integer not null) strict;
  insert or ignore into writes values (1, 0);
  create table if not exists limits (
    key text primary key,
    account text not null,
    expires_at real not null
  ) strict;
  create index if not exists limits_by_expiry on limits (expires_at);
  pragma user_version = ${LAYOUT};
`;

/**
 * Opens a SQLite file, which other processes may share. Creates the file, readable by its owner
 * only, and the tables if they are missing.
 *
 * @throws {Error} if the file cannot be read and written, or its tables have another version
 */
export async function openSqliteDatabase(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  // SQLite would use the umask. Its -wal and -shm files get the mode of this one.
  (await Deno.open(path, { write: true, create: true, mode: 0o600 })).close();
  const database = new DatabaseSync(path);
  try {
    await retryWhileLocked(() => database.exec("pragma journal_mode = wal"));
    // A killed process loses nothing; only a power failure can lose the last writes.
    database.exec("pragma synchronous = normal");
    await transact(database, () => {
      const layout = database.prepare("pragma user_version").get()?.user_version;
      if (layout !== 0 && layout !== LAYOUT) {
        throw new Error(`the version of its tables is ${layout}, only ${LAYOUT} is supported`);
      }
      database.exec(TABLES);
    });
    return database;
  } catch (error) {
    database.close();
    throw new Error(`Cannot open "${path}": ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Runs `work` in a write transaction, which is rolled back if it throws. Waits up to 5 s for other
 * processes.
 */
export function transact<T>(database: DatabaseSync, work: () => T): Promise<T> {
  return retryWhileLocked(() => transactOnce(database, work));
}

function transactOnce<T>(database: DatabaseSync, work: () => T): T {
  database.exec("begin immediate");
  try {
    const result = work();
    database.exec("commit");
    return result;
  } catch (error) {
    // After some errors, such as a full disk, SQLite has already rolled back.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}
