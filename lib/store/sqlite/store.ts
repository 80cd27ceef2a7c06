/**
 * The store in a SQLite file, which several processes may share.
 *
 * @module
 */
import type { SQLOutputValue, StatementSync } from "node:sqlite";
import { openSqliteDatabase, transact } from "./database.ts";
import {
  type Change,
  checkChanges,
  checkKeys,
  checkRange,
  type Entry,
  type EntryKey,
  isWanted,
  type Range,
  type Store,
} from "../store.ts";

/** Where a store in SQLite lies. */
export interface SqliteOptions {
  /** The file; made, for its owner alone, where there is none. */
  path: string;
  /** The current time, in ms since 1970. */
  now: () => number;
}

/** Expired entries that a write clears away in passing. */
const PURGE_ROWS = 100;

/**
 * Opens a store in a SQLite file.
 *
 * @throws {Error} where the file can't be read and written
 */
export async function openSqliteStore({ path, now }: SqliteOptions): Promise<Store> {
  const database = await openSqliteDatabase(path);
  // Bytes, as node:sqlite cuts texts off at a NUL.
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const select = database.prepare(
    `select value, version from entries
     where collection = ? and id = ? and (expires_at is null or expires_at > ?)`,
  );
  const listings = new Map<string, StatementSync>();
  const nextVersion = database.prepare("update writes set n = n + 1 returning n");
  const put = database.prepare(
    `insert into entries (collection, id, value, version, expires_at) values (?, ?, ?, ?, ?)
     on conflict do update set value = excluded.value, version = excluded.version,
       expires_at = excluded.expires_at`,
  );
  const remove = database.prepare("delete from entries where collection = ? and id = ?");
  const purge = database.prepare(
    `delete from entries where rowid in
       (select rowid from entries where expires_at <= ? limit ${PURGE_ROWS})`,
  );

  function entryOf(collection: string, row: Record<string, SQLOutputValue>): Entry {
    const value = decoder.decode(row.value as Uint8Array);
    return { collection, id: String(row.id), value, version: String(row.version) };
  }

  function read({ collection, id }: EntryKey): Entry | undefined {
    const row = select.get(collection, id, now());
    return row && entryOf(collection, { id, ...row });
  }

  /** The statement for a kind of range: only with the bounds it has can the index serve it. */
  function listing({ after, before, reverse }: Range): StatementSync {
    const sql = `select id, value, version from entries
      where collection = $collection and (expires_at is null or expires_at > $now)
        ${after === undefined ? "" : "and id > $after"} ${
      before === undefined ? "" : "and id < $before"
    }
      order by id ${reverse ? "desc" : "asc"} limit $limit`;
    let statement = listings.get(sql);
    if (!statement) listings.set(sql, statement = database.prepare(sql));
    return statement;
  }

  function apply(changes: readonly Change[]): boolean {
    if (!changes.every((change) => isWanted(change, read(change.key)?.version))) return false;
    purge.run(now());
    const version = nextVersion.get()!.n!;
    for (const change of changes) {
      const { collection, id } = change.key;
      if ("value" in change) {
        put.run(collection, id, encoder.encode(change.value), version, change.expiresAt ?? null);
      } else remove.run(collection, id);
    }
    return true;
  }

  return {
    kind: "sqlite",
    // deno-lint-ignore require-await -- faults reject, as with the other stores
    async get(keys) {
      checkKeys(keys);
      return keys.map(read);
    },
    // deno-lint-ignore require-await -- as above
    async list(range) {
      checkRange(range);
      const { collection, after, before, limit } = range;
      const rows = listing(range).all({
        collection,
        limit,
        now: now(),
        ...after !== undefined && { after },
        ...before !== undefined && { before },
      });
      return rows.map((row) => entryOf(collection, row));
    },
    // deno-lint-ignore require-await -- as above
    async write(changes) {
      checkChanges(changes);
      return changes.length === 0 || transact(database, () => apply(changes));
    },
    close() {
      if (database.isOpen) database.close();
      return Promise.resolve();
    },
  };
}
