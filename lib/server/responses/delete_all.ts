/**
 * Deletes from the store what one write can't.
 *
 * @module
 */
import { MAX_CHANGES, type Store } from "../../store/store.ts";

/** Deletes entries of a collection, however many there are; not all in one moment. */
export async function deleteAll(
  store: Store,
  collection: string,
  ids: readonly string[],
): Promise<void> {
  for (let first = 0; first < ids.length; first += MAX_CHANGES) {
    const some = ids.slice(first, first + MAX_CHANGES);
    await store.write(some.map((id) => ({ key: { collection, id }, delete: true })));
  }
}
