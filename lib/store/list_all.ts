import type { Entry, Range, Store } from "./store.ts";

const PAGE = 200;

/** Lists a range of any size in pages. */
export async function* listAll(
  store: Pick<Store, "list">,
  { after, ...range }: Pick<Range, "collection" | "before"> & { after?: string | undefined },
): AsyncGenerator<Entry> {
  for (;;) {
    const entries = await store.list({
      ...range,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    yield* entries;
    after = entries.at(-1)?.id;
    if (entries.length < PAGE) return;
  }
}
