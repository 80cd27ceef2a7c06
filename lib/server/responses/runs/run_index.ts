import type { Clock } from "../../../clock.ts";
import { createSetJson } from "../../../store/entries.ts";
import type { EntryKey, Store } from "../../../store/store.ts";
import type { RunKey } from "./claims.ts";

/** Maximum number of runs that are looked at together. */
const PAGE = 500;

/** How long a run must be missing before it is removed: it may be about to begin. */
const MISSING_MS = 60_000;
const MAX_MISSING = 1_000;

/** The background runs of all owners, so that servers find those whose server has stopped. */
export function createRunIndex(store: Store, clock: Clock, ttlMs: number) {
  const setJson = createSetJson(ttlMs);
  const keyOf = (id: string): EntryKey => ({ collection: "running", id });
  const missingSince = new Map<string, number>();
  let after: string | undefined;

  /** One that remains after a failure is removed by the next server that looks at it. */
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
    /** Returns some of the runs, and all of them in turn. */
    async next(): Promise<RunKey[]> {
      const range = { collection: "running", limit: PAGE };
      const entries = await store.list(after === undefined ? range : { ...range, after });
      after = entries.length < PAGE ? undefined : entries.at(-1)!.id;
      return entries.map(({ id, value }) => ({ owner: JSON.parse(value), id }));
    },
  };
}
