/**
 * The store in this process's memory: bounded, and gone when it ends.
 *
 * @module
 */
import {
  type Change,
  checkChanges,
  checkKeys,
  checkRange,
  type Entry,
  isWanted,
  nameOf,
  type Store,
} from "../store.ts";

/** What bounds a store in memory. */
export interface MemoryOptions {
  /** The current time, in ms since 1970. */
  now: () => number;
  /**
   * Entries that are kept; beyond them the least recently used goes.
   *
   * @default {10_000}
   */
  maxEntries?: number;
  /**
   * Bytes that are kept, at two a character; beyond them the least recently used goes.
   *
   * @default {134_217_728}
   */
  maxBytes?: number;
}

interface Kept extends Entry {
  expiresAt: number;
}

/** The whole memory is not looked through for expired entries more often than this. */
const SWEEP_MS = 1_000;

/**
 * Creates a store in memory. Its `write` rejects with a RangeError what would not fit even alone.
 */
export function createMemoryStore(options: MemoryOptions): Store {
  const { now, maxEntries = 10_000, maxBytes = 128 * 1024 * 1024 } = options;
  /** From the least to the most recently used. */
  const entries = new Map<string, Kept>();
  /** The ids of each collection, in order. */
  const ids = new Map<string, string[]>();
  let bytes = 0;
  let writes = 0;
  let sweepAt = Infinity;

  function live(name: string): Kept | undefined {
    const entry = entries.get(name);
    if (!entry || entry.expiresAt > now()) return entry;
    remove(entry);
  }

  function remove(entry: Kept): void {
    entries.delete(nameOf(entry));
    bytes -= sizeOf(entry);
    const sorted = ids.get(entry.collection)!;
    sorted.splice(placeOf(sorted, entry.id), 1);
    if (sorted.length === 0) ids.delete(entry.collection);
  }

  function put(entry: Kept): void {
    const name = nameOf(entry);
    const old = entries.get(name);
    if (old) {
      entries.delete(name);
      bytes -= sizeOf(old);
    } else {
      let sorted = ids.get(entry.collection);
      if (!sorted) ids.set(entry.collection, sorted = []);
      sorted.splice(placeOf(sorted, entry.id), 0, entry.id);
    }
    entries.set(name, entry);
    bytes += sizeOf(entry);
    sweepAt = Math.min(sweepAt, entry.expiresAt);
  }

  function sweep(): void {
    const time = now();
    if (time < sweepAt) return;
    let next = Infinity;
    for (const entry of [...entries.values()]) {
      if (entry.expiresAt <= time) remove(entry);
      else next = Math.min(next, entry.expiresAt);
    }
    sweepAt = Math.max(next, time + SWEEP_MS);
  }

  function makeRoom(): void {
    for (const entry of entries.values()) {
      if (entries.size <= maxEntries && bytes <= maxBytes) return;
      remove(entry);
    }
  }

  /** Entries that would push out one another would be lost in silence. */
  function checkFit(changes: readonly Change[]): void {
    const written = changes.flatMap((change) =>
      "value" in change ? [sizeOf({ ...change.key, value: change.value })] : []
    );
    const size = written.reduce((sum, each) => sum + each, 0);
    if (size > maxBytes || written.length > maxEntries) {
      throw new RangeError(
        `Cannot keep ${written.length} entries of ${size} bytes in memory: there is room for ${maxEntries} of ${maxBytes}`,
      );
    }
  }

  return {
    kind: "memory",
    // deno-lint-ignore require-await -- faults in the arguments reject, as with the other stores
    async get(keys) {
      checkKeys(keys);
      return keys.map((key) => {
        const entry = live(nameOf(key));
        if (!entry) return undefined;
        entries.delete(nameOf(key));
        entries.set(nameOf(key), entry);
        return strip(entry);
      });
    },
    // deno-lint-ignore require-await -- as above
    async list(range) {
      checkRange(range);
      const { collection, after, before, limit } = range;
      const sorted = ids.get(collection) ?? [];
      let first = after === undefined ? 0 : placeOf(sorted, after);
      if (after !== undefined && sorted[first] === after) first++;
      const end = before === undefined ? sorted.length : placeOf(sorted, before);
      const inside = sorted.slice(first, Math.max(first, end));
      if (range.reverse) inside.reverse();
      const found: Entry[] = [];
      for (const id of inside) {
        if (found.length >= limit) break;
        const entry = live(nameOf({ collection, id }));
        if (entry) found.push(strip(entry));
      }
      return found;
    },
    // deno-lint-ignore require-await -- as above
    async write(changes) {
      checkChanges(changes);
      checkFit(changes);
      if (!changes.every((change) => isWanted(change, live(nameOf(change.key))?.version))) {
        return false;
      }
      sweep();
      const version = String(++writes);
      for (const change of changes) {
        if ("value" in change) {
          const { key: { collection, id }, value, expiresAt = Infinity } = change;
          put({ collection, id, value, version, expiresAt });
        } else {
          const entry = entries.get(nameOf(change.key));
          if (entry) remove(entry);
        }
      }
      makeRoom();
      return true;
    },
    close() {
      entries.clear();
      ids.clear();
      bytes = 0;
      return Promise.resolve();
    },
  };
}

function sizeOf({ collection, id, value }: Omit<Entry, "version">): number {
  return 2 * (collection.length + id.length + value.length);
}

function strip({ collection, id, value, version }: Kept): Entry {
  return { collection, id, value, version };
}

/** The index of `id` in a sorted list, or the one where it would stand. */
function placeOf(sorted: readonly string[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
