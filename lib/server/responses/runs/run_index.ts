import type { Clock } from "../../../clock.ts";
import { createSetJson } from "../../../store/entries.ts";
import type { EntryKey, Store } from "../../../store/store.ts";
import type { RunKey } from "./claims.ts";

/** Number of runs that are read at once. */
const PAGE = 500;

/** How long a run must be missing before it is removed: its start may still be in progress. */
const MISSING_MS = 60_000;
const MAX_MISSING = 20_000;

/** The background runs of all owners, so that servers find those whose server has stopped. */
export function createRunIndex(store: Store, clock: Clock, ttlMs: number) {
  const setJson = createSetJson(ttlMs);
  const keyOf = (id: string): EntryKey => ({ collection: "running", id });
  const missingSince = new Map<string, number>();
  let after: string | undefined;

  /** After a failure, a server that reads the run later removes it. */
  async function remove(id: string): Promise<void> {
    await store.write([{ key: keyOf(id), delete: true }]).catch(() => {});
  }

  return {
    async add({ owner, id }: RunKey): Promise<void> {
      await store.write([setJson(keyOf(id), owner)]);
    },
    remove,
    /** Removes a run that is missing in the store, when it has been missing for a while. */
    async removeMissing(id: string): Promise<void> {
      const since = missingSince.get(id) ?? clock.now();
      missingSince.delete(id);
      if (clock.now() - since >= MISSING_MS) return await remove(id);
      missingSince.set(id, since);
      if (missingSince.size > MAX_MISSING) missingSince.delete(missingSince.keys().next().value!);
    },
    /** Returns the next page of runs; after the last page, the first again. */
    async next(): Promise<RunKey[]> {
      const range = { collection: "running", limit: PAGE };
      const entries = await store.list(after === undefined ? range : { ...range, after });
      after = entries.length < PAGE ? undefined : entries.at(-1)!.id;
      return entries.map(({ id, value }) => ({ owner: JSON.parse(value), id }));
    },
  };
}
