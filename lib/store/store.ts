/**
 * What outlives a request: small texts under a collection and an id, with versions and expiry.
 *
 * @module
 */

/** Where an entry lies. */
export interface EntryKey {
  /** At most 200 characters, none of them NUL. */
  collection: string;
  /** As `collection`. Within a collection ASCII ids are ordered by their characters' codes. */
  id: string;
}

/** A kept text. */
export interface Entry extends EntryKey {
  /** Well-formed text of any length, as it was written. */
  value: string;
  /** Another after every write of the entry; one that was used up never returns. */
  version: string;
}

/** One part of a write. */
export type Change =
  | {
    /** What is written. */
    key: EntryKey;
    /** Its new text; must be well-formed UTF-16. */
    value: string;
    /** From when on it is absent, in ms since 1970; without it the entry stays. */
    expiresAt?: number;
    /** Undefined: whatever is there; null: nothing may be there; else the version that must be. */
    ifVersion?: string | null;
  }
  | {
    /** What is removed; it need not exist. */
    key: EntryKey;
    /** Tells a removal from a write. */
    delete: true;
    /** As in a write. */
    ifVersion?: string | null;
  };

/** Which entries of a collection are listed. */
export interface Range {
  /** Whose entries. */
  collection: string;
  /** Only ids behind this one. */
  after?: string;
  /** Only ids ahead of this one. */
  before?: string;
  /** At most so many entries. */
  limit: number;
  /** From the last id backwards. */
  reverse?: boolean;
}

/**
 * A store of entries. A failing back end rejects with an Error whose message holds no secret; it
 * is then unknown whether a write took place.
 */
export interface Store {
  /** The back end. */
  readonly kind: "memory" | "sqlite" | "kv" | "redis";
  /**
   * The entries under the keys, in their order; an expired or missing one is undefined. Each is
   * whole; together they need not be of one moment.
   *
   * @throws {TypeError} on a key that is none
   */
  get(keys: readonly EntryKey[]): Promise<(Entry | undefined)[]>;
  /**
   * The entries of a range, in the order of their ids.
   *
   * @throws {TypeError} on a range that is none
   */
  list(range: Range): Promise<Entry[]>;
  /**
   * Makes all changes, or none: false says that an `ifVersion` did not hold. Once true, a killed
   * process loses nothing of it (save in `memory`).
   *
   * @throws {TypeError} on a key that is none or stands twice, or over {@link MAX_CHANGES} changes
   */
  write(changes: readonly Change[]): Promise<boolean>;
  /** Lets go of all that is open; a second call does nothing. */
  close(): Promise<void>;
}

/** The changes of one write: no more than every back end can make at once. */
export const MAX_CHANGES = 100;

/** The characters of a collection or an id. */
const MAX_NAME_LENGTH = 200;

function checkName(what: string, name: string): void {
  if (name.length > MAX_NAME_LENGTH) {
    throw new TypeError(
      `Cannot use the ${what}: it has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`,
    );
  }
  if (name.includes("\0") || !name.isWellFormed()) {
    throw new TypeError(`Cannot use the ${what}: it must be well-formed text without NUL`);
  }
}

/** Checks what a caller hands to {@link Store.get}, for the adapters. */
export function checkKeys(keys: readonly EntryKey[]): void {
  for (const key of keys) {
    checkName("collection", key.collection);
    checkName("id", key.id);
  }
}

/** Checks what a caller hands to {@link Store.list}, for the adapters. */
export function checkRange(range: Range): void {
  checkName("collection", range.collection);
  if (range.after !== undefined) checkName("id", range.after);
  if (range.before !== undefined) checkName("id", range.before);
  if (!Number.isSafeInteger(range.limit) || range.limit < 0) {
    throw new TypeError(`Cannot list: 'limit' must be a whole number, not ${range.limit}`);
  }
}

/** Checks what a caller hands to {@link Store.write}, for the adapters. */
export function checkChanges(changes: readonly Change[]): void {
  if (changes.length > MAX_CHANGES) {
    throw new TypeError(
      `Cannot write ${changes.length} changes at once: at most ${MAX_CHANGES} are allowed`,
    );
  }
  checkKeys(changes.map((change) => change.key));
  if (new Set(changes.map((change) => nameOf(change.key))).size < changes.length) {
    throw new TypeError("Cannot write an entry twice at once");
  }
  for (const change of changes) {
    if ("value" in change && !change.value.isWellFormed()) {
      throw new TypeError("Cannot write the value: it must be well-formed text");
    }
  }
}

/** A key as one text; no two keys share one, as names hold no NUL. */
export function nameOf(key: EntryKey): string {
  return `${key.collection}\0${key.id}`;
}

/** Whether an entry's version, undefined where there is none, is the one that a change wants. */
export function isWanted(change: Change, version: string | undefined): boolean {
  return change.ifVersion === undefined || change.ifVersion === (version ?? null);
}
