import {
  type Change,
  type Entry,
  type EntryKey,
  MAX_CHANGES,
  type Range,
  type Store,
  StoreError,
} from "./store.ts";

/** An implementation of a store. Its arguments have been validated, and it may be synchronous. */
export interface StoreBackend {
  kind: Store["kind"];
  get(keys: readonly EntryKey[]): MaybePromise<(Entry | undefined)[]>;
  list(range: Range): MaybePromise<Entry[]>;
  write(changes: readonly Change[]): MaybePromise<boolean>;
  /** Watches for changes by other processes, if they are possible. Called once per collection. */
  watch?(collection: string, onChange: () => void): () => void;
  now(): MaybePromise<number>;
  close(): MaybePromise<void>;
}

export type MaybePromise<T> = T | Promise<T>;

const MAX_NAME_LENGTH = 200;

/** Calls a back end. What it throws becomes a {@link StoreError}, except if a bound is exceeded. */
export function callBackend<T>(work: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(rethrow) : result;
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw error instanceof RangeError ? error : new StoreError(error);
}

/** Puts validation in front of a back end. */
export function createStore(backend: StoreBackend): Store {
  let isOpen = true;
  const watches = new Map<string, { callbacks: Set<() => void>; stop: () => void }>();

  function notify(collection: string): void {
    for (const onChange of watches.get(collection)?.callbacks ?? []) onChange();
  }

  return {
    kind: backend.kind,
    async get(keys) {
      keys.forEach(checkKey);
      return await callBackend(() => backend.get(keys));
    },
    async list(range) {
      const { collection, after = "", before = "", limit } = range;
      for (const id of [after, before]) checkKey({ collection, id });
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new TypeError(`Cannot list: 'limit' must be a whole number, not ${limit}`);
      }
      return await callBackend(() => backend.list(range));
    },
    async write(changes) {
      checkChanges(changes);
      const written = changes.length === 0 || await callBackend(() => backend.write(changes));
      if (written) { for (const collection of notified(changes)) notify(collection); }
      return written;
    },
    watch(collection, onChange) {
      if (!isOpen) return () => {};
      let watched = watches.get(collection);
      if (watched === undefined) {
        const stop = backend.watch?.(collection, () => notify(collection)) ?? (() => {});
        watches.set(collection, watched = { callbacks: new Set(), stop });
      }
      const { callbacks, stop } = watched;
      // The same function may watch twice.
      const callback = () => onChange();
      callbacks.add(callback);
      return () => {
        if (!callbacks.delete(callback) || callbacks.size > 0) return;
        watches.delete(collection);
        stop();
      };
    },
    now: async () => await callBackend(() => backend.now()),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      for (const { stop } of watches.values()) stop();
      watches.clear();
      await backend.close();
    },
  };
}

function checkKey({ collection, id }: EntryKey): void {
  for (const [field, name] of Object.entries({ collection, id })) {
    if (name.length > MAX_NAME_LENGTH) {
      throw new TypeError(
        `Cannot use the ${field}: it has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`,
      );
    }
    if (name.includes("\0") || !name.isWellFormed()) {
      throw new TypeError(`Cannot use the ${field}: it must be well-formed text without NUL`);
    }
  }
}

function checkChanges(changes: readonly Change[]): void {
  if (changes.length > MAX_CHANGES) {
    throw new TypeError(
      `Cannot write ${changes.length} changes at once: at most ${MAX_CHANGES} are allowed`,
    );
  }
  for (const change of changes) {
    checkKey(change.key);
    if (!("value" in change)) continue;
    const { value, ttlMs = 0 } = change;
    if (!value.isWellFormed()) {
      throw new TypeError("Cannot write the value: it must be well-formed text");
    }
    if (!Number.isFinite(ttlMs)) {
      throw new TypeError(`Cannot write the value: 'ttlMs' must be a number, not ${ttlMs}`);
    }
  }
  if (new Set(changes.map(({ key }) => nameOf(key))).size < changes.length) {
    throw new TypeError("Cannot write the same entry twice at once");
  }
  if (new Set(changes.map(({ key }) => ownerOf(key.collection))).size > 1) {
    throw new TypeError("Cannot write entries of several owners at once");
  }
}

/** Returns an empty string for a collection that belongs to no owner. */
export function ownerOf(collection: string): string {
  return collection.split("/", 2)[1] ?? "";
}

/** Returns the collections whose watchers a write notifies. */
export function notified(changes: readonly Change[]): Set<string> {
  return new Set(
    changes.flatMap((change) => "notify" in change ? change.key.collection : []),
  );
}

const POLL_MS = 500;

/** The `watch` of a back end that cannot notify other processes. */
export function pollForChanges(_collection: string, onChange: () => void): () => void {
  const timer = setInterval(onChange, POLL_MS);
  return () => clearInterval(timer);
}

/** A key as one string; unique, since names contain no NUL. */
export function nameOf({ collection, id }: EntryKey): string {
  return `${collection}\0${id}`;
}

/** Whether an entry's current version, undefined if there is no entry, allows the change. */
export function versionMatches({ ifVersion }: Change, version: string | undefined): boolean {
  return ifVersion === undefined || ifVersion === (version ?? null);
}
