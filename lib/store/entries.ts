import { type Change, type EntryKey, MAX_CHANGES, type Store } from "./store.ts";

/** Builds the change that stores a value as JSON. `ifVersion` is as in {@link Change}. */
export type SetJson = (
  key: EntryKey,
  value: unknown,
  ifVersion?: string | null,
) => Extract<Change, { value: string }>;

export function createSetJson(ttlMs: number): SetJson {
  return (key, value, ifVersion) => ({
    key,
    value: JSON.stringify(value),
    ttlMs,
    ...(ifVersion === undefined ? {} : { ifVersion }),
  });
}

/** Deletes a collection of any size; not atomically. */
export async function deleteAll(store: Store, collection: string): Promise<void> {
  for (;;) {
    const entries = await store.list({ collection, limit: MAX_CHANGES });
    await store.write(entries.map(({ id }) => ({ key: { collection, id }, delete: true })));
    if (entries.length < MAX_CHANGES) return;
  }
}
