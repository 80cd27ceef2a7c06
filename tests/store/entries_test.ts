import { assert, assertEquals } from "@std/assert";
import { createSetJson, deleteAll } from "../../lib/store/entries.ts";
import { listAll } from "../../lib/store/list_all.ts";
import { createMemoryStore } from "../../lib/store/memory/store.ts";
import type { Store } from "../../lib/store/store.ts";

const idOf = (number: number) => String(number).padStart(3, "0");
const idsFrom = (start: number, end: number) =>
  Array.from({ length: end - start }, (_, i) => idOf(start + i));

/** A store with so many entries in the collection "c", and one beside it. */
async function fill(count: number): Promise<Store> {
  const store = createMemoryStore({ now: () => 0 });
  for (const id of idsFrom(0, count)) {
    await store.write([{ key: { collection: "c", id }, value: "" }]);
  }
  await store.write([{ key: { collection: "other", id: "0" }, value: "" }]);
  return store;
}

for (const count of [0, 1, 199, 200, 201, 400, 450]) {
  Deno.test(`all of ${count} entries are listed in their order, and all are deleted`, async () => {
    const store = await fill(count);
    const listed = async (bounds: { after?: string; before?: string } = {}) =>
      (await Array.fromAsync(listAll(store, { collection: "c", ...bounds }))).map(({ id }) => id);
    assertEquals(await listed(), idsFrom(0, count));
    const bounds = { after: idOf(5), before: idOf(count - 5) };
    if (count > 10) assertEquals(await listed(bounds), idsFrom(6, count - 5));
    await deleteAll(store, "c");
    assertEquals(await listed(), []);
    assertEquals((await store.list({ collection: "other", limit: 9 })).length, 1);
  });
}

Deno.test("a value is stored as JSON with an expiry, if its entry has the expected version", async () => {
  let time = 0;
  const store = createMemoryStore({ now: () => time });
  const setJson = createSetJson(1_000);
  const key = { collection: "c", id: "a" };
  assert(await store.write([setJson(key, { n: 1 }, null)]));
  assertEquals(await store.write([setJson(key, { n: 2 }, null)]), false);
  const value = async () => (await store.get([key]))[0]?.value;
  assertEquals(await value(), '{"n":1}');
  assert(await store.write([setJson(key, { n: 3 })]));
  time = 999;
  assertEquals(await value(), '{"n":3}');
  time = 1_000;
  assertEquals(await value(), undefined);
});
