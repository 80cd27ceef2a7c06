import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { versionMatches } from "../backend.ts";
import type { Change, Entry, EntryKey, Range } from "../store.ts";
import { retryWhileLocked } from "../retry_while_locked.ts";
import { transact } from "./database.ts";

/** Expired entries that each write deletes. */
const PURGE_ROWS = 100;

/** The entries of a database. Times are in ms since 1970. */
export function createEntries(database: DatabaseSync) {
  // Values are blobs because node:sqlite truncates texts at a NUL.
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const select = database.prepare(
    `select value, version from entries
     where collection = ? and id = ? and (expires_at is null or expires_at > ?)`,
  );
  const lists = new Map<string, StatementSync>();
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

  function read(now: number, { collection, id }: EntryKey): Entry | undefined {
    const row = select.get(collection, id, now);
    return row && entryOf(collection, { id, ...row });
  }

  /** One statement per kind of range: the index is used only if every bound is present. */
  function prepareList({ after, before, reverse }: Range): StatementSync {
    const sql = `select id, value, version from entries
      where collection = $collection and (expires_at is null or expires_at > $now)
        ${after === undefined ? "" : "and id > $after"}
        ${before === undefined ? "" : "and id < $before"}
      order by id ${reverse ? "desc" : "asc"} limit $limit`;
    const statement = lists.get(sql) ?? database.prepare(sql);
    lists.set(sql, statement);
    return statement;
  }

  return {
    get: (now: number, keys: readonly EntryKey[]) =>
      retryWhileLocked(() => keys.map((key) => read(now, key))),
    async list(now: number, range: Range) {
      const { reverse: _, ...parameters } = range;
      const rows = await retryWhileLocked(() => prepareList(range).all({ ...parameters, now }));
      return rows.map((row) => entryOf(range.collection, row));
    },
    write: (now: number, changes: readonly Change[]) =>
      transact(database, () => {
        if (!changes.every((change) => versionMatches(change, read(now, change.key)?.version))) {
          return false;
        }
        purge.run(now);
        const version = nextVersion.get()!.n!;
        for (const change of changes) {
          const { collection, id } = change.key;
          if ("value" in change) {
            const { value, ttlMs } = change;
            const expiresAt = ttlMs === undefined ? null : now + ttlMs;
            put.run(collection, id, encoder.encode(value), version, expiresAt);
          } else if ("delete" in change) remove.run(collection, id);
        }
        return true;
      }),
  };
}
