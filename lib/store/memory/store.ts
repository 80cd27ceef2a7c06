import { createStore, nameOf, versionMatches } from "../backend.ts";
import type { Change, Entry, Store } from "../store.ts";

export interface MemoryStoreOptions {
  /** Returns ms since 1970. */
  now: () => number;
  /**
   * Maximum number of entries; beyond it the least recently used are dropped.
   *
   * @default {10_000}
   */
  maxEntries?: number;
  /**
   * Maximum size in bytes, at two per character; beyond it the least recently used are dropped.
   *
   * @default {134_217_728}
   */
  maxBytes?: number;
}

interface StoredEntry {
  entry: Entry;
  expiresAt: number;
}

/** Minimum time between two searches for expired entries. */
const SWEEP_MS = 1_000;

/**
 * Creates a store in this process's memory. Its `write` rejects with a RangeError if the changes
 * alone exceed its bounds.
 */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { now, maxEntries = 10_000, maxBytes = 128 * 1024 * 1024 } = options;
  /** From the least to the most recently used. */
  const entries = new Map<string, StoredEntry>();
  const sortedIds = new Map<string, string[]>();
  let bytes = 0;
  let writes = 0;
  let sweepAt = 0;

  function find(name: string): Entry | undefined {
    const stored = entries.get(name);
    if (!stored || stored.expiresAt > now()) return stored?.entry;
    remove(name);
  }

  function remove(name: string): void {
    const stored = entries.get(name);
    if (!stored) return;
    const { collection, id } = stored.entry;
    entries.delete(name);
    bytes -= sizeOf(stored.entry);
    const ids = sortedIds.get(collection)!;
    ids.splice(indexOf(ids, id), 1);
    if (ids.length === 0) sortedIds.delete(collection);
  }

  function put(entry: Entry, expiresAt: number): void {
    const name = nameOf(entry);
    const old = entries.get(name);
    if (old) {
      entries.delete(name);
      bytes -= sizeOf(old.entry);
    } else {
      const ids = sortedIds.get(entry.collection) ?? [];
      ids.splice(indexOf(ids, entry.id), 0, entry.id);
      sortedIds.set(entry.collection, ids);
    }
    entries.set(name, { entry, expiresAt });
    bytes += sizeOf(entry);
  }

  function sweep(): void {
    const time = now();
    if (time < sweepAt) return;
    sweepAt = time + SWEEP_MS;
    for (const [name, { expiresAt }] of entries) if (expiresAt <= time) remove(name);
  }

  function evict(): void {
    for (const name of entries.keys()) {
      if (entries.size <= maxEntries && bytes <= maxBytes) return;
      remove(name);
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
        const name = nameOf(key);
        const entry = find(name);
        if (entry) {
          const stored = entries.get(name)!;
          entries.delete(name);
          entries.set(name, stored);
        }
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
        const entry = find(nameOf({ collection, id }));
        if (entry) found.push(entry);
      }
      return found;
    },
    write(changes) {
      checkSize(changes);
      if (!changes.every((change) => versionMatches(change, find(nameOf(change.key))?.version))) {
        return false;
      }
      sweep();
      const version = String(++writes);
      for (const change of changes) {
        if ("value" in change) {
          const { key: { collection, id }, value, expiresAt = Infinity } = change;
          put({ collection, id, value, version }, expiresAt);
        } else remove(nameOf(change.key));
      }
      evict();
      return true;
    },
    close() {
      entries.clear();
      sortedIds.clear();
      bytes = 0;
    },
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
