import { createStore, nameOf, ownerOf, versionMatches } from "../backend.ts";
import type { Change, Entry, EntryKey, Store } from "../store.ts";

export interface MemoryStoreOptions {
  /** Returns ms since 1970. */
  now: () => number;
  /**
   * Maximum number of entries; beyond it the owner of most entries loses its least recently used.
   *
   * @default {10_000}
   */
  maxEntries?: number;
  /**
   * Maximum size in bytes, at two per character; beyond it the owner of most bytes loses its least
   * recently used entries.
   *
   * @default {134_217_728}
   */
  maxBytes?: number;
}

interface StoredEntry {
  entry: Entry;
  expiresAt: number;
}

interface Share {
  /** From the least to the most recently used. */
  entries: Map<string, StoredEntry>;
  bytes: number;
}

/** Minimum time between two searches for expired entries. */
const SWEEP_MS = 1_000;

/**
 * Creates a store in this process's memory. Its `write` rejects with a RangeError if the changes
 * alone exceed its bounds.
 */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { now, maxEntries = 10_000, maxBytes = 128 * 1024 * 1024 } = options;
  /** Shares of the memory, by owner. */
  const shares = new Map<string, Share>();
  const sortedIds = new Map<string, string[]>();
  let size = 0;
  let bytes = 0;
  let writes = 0;
  let sweepAt = 0;

  function shareOf({ collection }: EntryKey): Share {
    const owner = ownerOf(collection);
    const share = shares.get(owner) ?? { entries: new Map(), bytes: 0 };
    shares.set(owner, share);
    return share;
  }

  function find(key: EntryKey): Entry | undefined {
    const stored = shares.get(ownerOf(key.collection))?.entries.get(nameOf(key));
    if (stored && stored.expiresAt > now()) return stored.entry;
  }

  /** Makes an entry the most recently used of its owner. */
  function touch(entry: Entry): void {
    const { entries } = shareOf(entry);
    const name = nameOf(entry);
    const stored = entries.get(name)!;
    entries.delete(name);
    entries.set(name, stored);
  }

  function remove(key: EntryKey): void {
    const share = shareOf(key);
    const name = nameOf(key);
    const stored = share.entries.get(name);
    if (!stored) return;
    share.entries.delete(name);
    size--;
    bytes -= sizeOf(stored.entry);
    share.bytes -= sizeOf(stored.entry);
    const ids = sortedIds.get(key.collection)!;
    ids.splice(indexOf(ids, key.id), 1);
    if (ids.length === 0) sortedIds.delete(key.collection);
  }

  function put(entry: Entry, expiresAt: number): void {
    remove(entry);
    const ids = sortedIds.get(entry.collection) ?? [];
    ids.splice(indexOf(ids, entry.id), 0, entry.id);
    sortedIds.set(entry.collection, ids);
    const share = shareOf(entry);
    share.entries.set(nameOf(entry), { entry, expiresAt });
    size++;
    bytes += sizeOf(entry);
    share.bytes += sizeOf(entry);
  }

  function sweep(): void {
    const time = now();
    if (time < sweepAt) return;
    sweepAt = time + SWEEP_MS;
    for (const { entries } of shares.values()) {
      for (const { entry, expiresAt } of entries.values()) if (expiresAt <= time) remove(entry);
    }
  }

  function evict(): void {
    while (size > maxEntries || bytes > maxBytes) {
      const useOf = (share: Share) => bytes > maxBytes ? share.bytes : share.entries.size;
      const owned = [...shares].filter(([owner]) => owner !== "").map(([, share]) => share);
      const largest = owned.toSorted((a, b) => useOf(b) - useOf(a))[0];
      const [oldest] = largest?.entries.values() ?? [];
      if (oldest === undefined) return;
      remove(oldest.entry);
    }
  }

  /** Otherwise the entries of one write would evict each other silently. */
  function checkSize(changes: readonly Change[]): void {
    const written = changes.flatMap((change) =>
      "value" in change ? [{ ...change.key, value: change.value }] : []
    );
    const size = written.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (size > maxBytes || written.length > maxEntries) {
      throw new RangeError(
        `Cannot store ${written.length} entries of ${size} bytes in memory: at most ${maxEntries} entries and ${maxBytes} bytes are allowed`,
      );
    }
  }

  return createStore({
    kind: "memory",
    get: (keys) =>
      keys.map((key) => {
        const entry = find(key);
        if (entry) touch(entry);
        return entry;
      }),
    list({ collection, after, before, limit, reverse }) {
      const ids = sortedIds.get(collection) ?? [];
      let first = after === undefined ? 0 : indexOf(ids, after);
      if (after !== undefined && ids[first] === after) first++;
      const end = before === undefined ? ids.length : indexOf(ids, before);
      const inside = ids.slice(first, Math.max(first, end));
      if (reverse) inside.reverse();
      const found: Entry[] = [];
      for (const id of inside) {
        if (found.length >= limit) break;
        const entry = find({ collection, id });
        if (entry) found.push(entry);
      }
      return found;
    },
    write(changes) {
      checkSize(changes);
      if (!changes.every((change) => versionMatches(change, find(change.key)?.version))) {
        return false;
      }
      sweep();
      const version = String(++writes);
      for (const change of changes) {
        if ("value" in change) {
          const { key: { collection, id }, value, ttlMs = Infinity } = change;
          put({ collection, id, value, version }, now() + ttlMs);
        } else if ("delete" in change) remove(change.key);
      }
      evict();
      return true;
    },
    now,
    close() {},
  });
}

function sizeOf({ collection, id, value }: Omit<Entry, "version">): number {
  return 2 * (collection.length + id.length + value.length);
}

/** Index of `id` in a sorted list, or where to insert it. */
function indexOf(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
