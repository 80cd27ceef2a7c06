/**
 * Provisional memory store.
 *
 * @module
 */
import type { Entry, EntryKey, Store } from "./store.ts";

/** A store in memory. */
export function createMemoryStore({ now }: { now: () => number }): Store {
  const all = new Map<string, Map<string, Entry & { expiresAt?: number }>>();
  let version = 0;
  const find = ({ collection, id }: EntryKey) => {
    const entry = all.get(collection)?.get(id);
    return entry === undefined || (entry.expiresAt ?? Infinity) <= now() ? undefined : entry;
  };
  return {
    kind: "memory",
    get: (keys) => Promise.resolve(keys.map(find)),
    list({ collection, after, before, limit, reverse }) {
      const ids = [...all.get(collection)?.keys() ?? []].sort().filter((id) =>
        (after === undefined || id > after) && (before === undefined || id < before)
      );
      if (reverse) ids.reverse();
      return Promise.resolve(
        ids.flatMap((id) => find({ collection, id }) ?? []).slice(0, limit),
      );
    },
    write(changes) {
      for (const { key, ifVersion } of changes) {
        if (ifVersion !== undefined && (find(key)?.version ?? null) !== ifVersion) {
          return Promise.resolve(false);
        }
      }
      for (const change of changes) {
        const { collection, id } = change.key;
        const entries = all.get(collection) ?? new Map();
        all.set(collection, entries);
        if ("delete" in change) entries.delete(id);
        else {
          const { value, expiresAt } = change;
          entries.set(id, { collection, id, value, expiresAt, version: String(++version) });
        }
      }
      return Promise.resolve(true);
    },
    close: () => Promise.resolve(),
  };
}
