/** A store of small texts that outlive a request, each with a version and an optional expiry. */

/** Identifies an entry. */
export interface EntryKey {
  /**
   * At most 200 characters, without NUL. In `TYPE/OWNER` and `TYPE/OWNER/…`, the entries belong to
   * the owner: owners share a store of bounded size, which drops no entries of other collections,
   * and a Redis Cluster keeps each owner's entries in one slot. Other collections have the owner "".
   */
  collection: string;
  /** At most 200 characters, without NUL. ASCII ids are ordered by code unit. */
  id: string;
}

/** A stored text. */
export interface Entry extends EntryKey {
  /** The text as it was written; any length. */
  value: string;
  /** Changes with every write of the entry; a version is never reused. */
  version: string;
}

/** The back end failed. The message contains no secrets. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** The driver's code, such as `ECONNREFUSED`; SQLite's ends in its result code. */
  readonly code: string;

  constructor(override readonly cause: unknown) {
    const { name, message, code, errcode } = (cause instanceof Error ? cause : {}) as
      & Partial<Error>
      & { code?: unknown; errcode?: unknown };
    super(message ?? String(cause));
    this.code = [code ?? name ?? "unknown", ...errcode === undefined ? [] : [errcode]].join(" ");
  }
}

/** One part of a write: sets an entry, deletes it, or only checks its version. */
export type Change =
  | {
    key: EntryKey;
    /** Well-formed UTF-16. */
    value: string;
    /** Time until the entry expires, in ms on the store's clock. Default: never. */
    ttlMs?: number;
    /** Version that the entry must have; null: it must not exist. Default: any. */
    ifVersion?: string | null;
    /** Notifies those who watch the collection. */
    notify?: true;
  }
  | {
    /** The entry to delete; it may be missing. */
    key: EntryKey;
    delete: true;
    /** As above. */
    ifVersion?: string | null;
    /** As above, also if the entry was missing. */
    notify?: true;
  }
  | {
    /** An entry that stays as it is. */
    key: EntryKey;
    check: true;
    /** As above. */
    ifVersion: string | null;
  };

/** A range of the ids of a collection. */
export interface Range {
  collection: string;
  /** Exclusive lower bound of the ids. */
  after?: string;
  /** Exclusive upper bound of the ids. */
  before?: string;
  /** Maximum number of entries. */
  limit: number;
  /** Lists from the last id to the first. */
  reverse?: boolean;
}

/**
 * A store of entries. Methods reject with a {@link StoreError} if the back end fails; a write may
 * then have happened or not.
 */
export interface Store {
  readonly kind: "memory" | "sqlite" | "kv" | "redis" | "postgres";
  /**
   * Reads entries, in the order of the keys; undefined for a missing or expired one. Each entry is
   * consistent; together they need not be a snapshot.
   *
   * @throws {TypeError} if a key is invalid
   */
  get(keys: readonly EntryKey[]): Promise<(Entry | undefined)[]>;
  /**
   * Lists a range in the order of its ids.
   *
   * @throws {TypeError} if the range is invalid
   */
  list(range: Range): Promise<Entry[]>;
  /**
   * Makes all changes, or none. Returns false if an `ifVersion` does not match. After true, the
   * changes survive a crash of the process (except in `memory`).
   *
   * @throws {TypeError} if a change is invalid, a key is repeated, the entries belong to several
   *   owners, or there are more than {@link MAX_CHANGES} changes
   */
  write(changes: readonly Change[]): Promise<boolean>;
  /**
   * Calls `onChange` after a change with `notify` in the collection, made by any server. It may be
   * called without a change, and calls can be lost, so the caller must also read from time to time.
   *
   * @returns a function that ends the watch.
   */
  watch(collection: string, onChange: () => void): () => void;
  /** Returns the time of the clock by which entries expire, in ms since 1970. */
  now(): Promise<number>;
  /** Closes the connection; further calls do nothing. */
  close(): Promise<void>;
}

/** Maximum number of changes in one write; every back end can make that many at once. */
export const MAX_CHANGES = 100;
