/**
 * What outlives a request, behind one small interface.
 *
 * @module
 */

/** Where an entry is: ids in a collection are ordered by their characters' codes. */
export interface EntryKey {
  /** The collection, up to 200 characters. */
  collection: string;
  /** The id in it, up to 200 characters. */
  id: string;
}

/** A kept value. */
export interface Entry extends EntryKey {
  /** The text. */
  value: string;
  /** Changes with each write. */
  version: string;
}

/** One change; `ifVersion` says what has to be there: nothing (null), or this version. */
export type Change =
  | {
    /** Where. */
    key: EntryKey;
    /** The new text. */
    value: string;
    /** Milliseconds since 1970. */
    expiresAt?: number;
    /** What has to be there; undefined: anything. */
    ifVersion?: string | null;
  }
  | {
    /** Where. */
    key: EntryKey;
    /** Forgets it. */
    delete: true;
    /** What has to be there; undefined: anything. */
    ifVersion?: string | null;
  };

/** A part of a collection, in order. */
export interface Range {
  /** The collection. */
  collection: string;
  /** Only ids that follow this one. */
  after?: string;
  /** Only ids that precede this one. */
  before?: string;
  /** At most so many. */
  limit: number;
  /** From the end. */
  reverse?: boolean;
}

/** A store. */
export interface Store {
  /** Which. */
  readonly kind: "memory" | "sqlite" | "kv" | "redis";
  /** The entries of these keys, in their order; an expired one is absent. */
  get(keys: readonly EntryKey[]): Promise<(Entry | undefined)[]>;
  /** A part of a collection. */
  list(range: Range): Promise<Entry[]>;
  /** Makes all changes or, where what has to be there is not, none of them. */
  write(changes: readonly Change[]): Promise<boolean>;
  /** Ends. */
  close(): Promise<void>;
}
