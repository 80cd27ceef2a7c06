/**
 * One SQLite file, shared with other processes.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

/** How long a statement waits for another process's write, and an opening for another's. */
const BUSY_MS = 5_000;

/** How long an opening waits before it tries again. */
const RETRY_MS = 5;

/** The layout of the tables; written into the file. */
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
 * Opens a file and makes what is missing, the file itself (for its owner alone) included.
 *
 * @throws {Error} where it can't be read and written, or another layout is in it
 */
export async function openSqliteDatabase(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  // SQLite would let the umask decide; its -wal and -shm files take the mode of this one.
  (await Deno.open(path, { write: true, create: true, mode: 0o600 })).close();
  const database = new DatabaseSync(path);
  try {
    // Its wait would stop the whole program, and `timeout: 0` is taken for its default of 5 s.
    database.exec("pragma busy_timeout = 0");
    await changeToWal(database);
    database.exec(`pragma busy_timeout = ${BUSY_MS}`);
    // A killed process loses nothing that was written; only a power cut may take the last writes.
    database.exec("pragma synchronous = normal");
    transact(database, () => {
      const layout = database.prepare("pragma user_version").get()?.user_version;
      if (layout !== 0 && layout !== LAYOUT) {
        throw new Error(`its layout is ${layout}, and only ${LAYOUT} is known`);
      }
      database.exec(TABLES);
    });
    return database;
  } catch (error) {
    database.close();
    throw new Error(`Cannot open "${path}": ${messageOf(error)}`);
  }
}

/** Two processes that start at once exclude each other here, whatever the timeout. */
async function changeToWal(database: DatabaseSync): Promise<void> {
  for (let waited = 0;; waited += RETRY_MS) {
    try {
      database.exec("pragma journal_mode = wal");
      return;
    } catch (error) {
      if (!/locked|busy/.test(messageOf(error)) || waited >= BUSY_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Runs `work` in a write transaction: all of it holds, or, if it throws, none. */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  database.exec("begin immediate");
  try {
    const result = work();
    database.exec("commit");
    return result;
  } catch (error) {
    // SQLite itself has rolled back after some faults, such as a full disk.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
