import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Change, Store } from "../../../lib/store/store.ts";

const now = () => 0;
const key = (id: string, collection = "c/alice") => ({ collection, id });
const set = (id: string, value = id, collection?: string): Change => ({
  key: key(id, collection),
  value,
});
const valueOf = async (store: Store, id: string) => (await store.get([key(id)]))[0]?.value;

Deno.test("beyond maxEntries memory drops the least recently used entry", async () => {
  const store = createMemoryStore({ now, maxEntries: 3 });
  for (const id of ["a", "b", "c"]) await store.write([set(id)]);
  await valueOf(store, "a");
  await store.write([set("d")]);
  assertEquals((await store.list({ collection: "c/alice", limit: 9 })).map(({ id }) => id), [
    "a",
    "c",
    "d",
  ]);
  await store.write([set("c", "again")]);
  await store.write([set("e")]);
  assertEquals((await store.list({ collection: "c/alice", limit: 9 })).map(({ id }) => id), [
    "c",
    "d",
    "e",
  ]);
});

Deno.test("beyond maxBytes memory drops the least recently used entry, and a deletion frees room", async () => {
  const store = createMemoryStore({ now, maxBytes: 1_000 });
  const text = "x".repeat(198);
  await store.write([set("a", text), set("b", text)]);
  await store.write([set("a", text)]);
  assertEquals(await valueOf(store, "b"), text);
  await store.write([{ key: key("a"), delete: true }]);
  await store.write([set("d", text)]);
  assertEquals(await valueOf(store, "b"), text);
  await store.write([set("e", text)]);
  assertEquals((await store.list({ collection: "c/alice", limit: 9 })).map(({ id }) => id), [
    "b",
    "e",
  ]);
});

Deno.test("a single write that exceeds the bounds is rejected and drops nothing", async () => {
  const store = createMemoryStore({ now, maxBytes: 1_000, maxEntries: 3 });
  await store.write([set("a", "kept")]);
  await assertRejects(() => store.write([set("b", "x".repeat(500))]), RangeError, "1016 bytes");
  await assertRejects(() => store.write(["1", "2", "3", "4"].map((id) => set(id))), RangeError);
  assertEquals((await store.list({ collection: "c/alice", limit: 9 })).map(({ id }) => id), ["a"]);
});

Deno.test("a write of exactly the bounds is stored whole", async () => {
  const store = createMemoryStore({ now, maxBytes: 1_000, maxEntries: 3 });
  // Two bytes for each character of the collection, the id and the text.
  const text = "x".repeat(492);
  assert(await store.write([set("b", text)]));
  assertEquals(await valueOf(store, "b"), text);
  assert(await store.write(["1", "2", "3"].map((id) => set(id))));
  assertEquals((await store.list({ collection: "c/alice", limit: 9 })).length, 3);
});

Deno.test("by default memory takes up to 128 MiB at once", async () => {
  const store = createMemoryStore({ now });
  // Two bytes for each character of the collection and the text.
  const length = 64 * 1024 * 1024 - "c/alice".length;
  await assertRejects(() => store.write([set("", "x".repeat(length + 1))]), RangeError);
  assert(await store.write([set("", "x".repeat(length))]));
});

Deno.test("beyond maxBytes memory drops entries of the owner with most bytes, not of that with most entries", async () => {
  const store = createMemoryStore({ now, maxBytes: 1_000 });
  const idsIn = async (collection: string) =>
    (await store.list({ collection, limit: 9 })).map(({ id }) => id);
  const write = (owner: string, id: string, length: number) =>
    store.write([set(id, "x".repeat(length), `c/${owner}`)]);
  // What was replaced or deleted does not count.
  await write("alice", "1", 400);
  for (const id of ["1", "2", "3", "4"]) await write("alice", id, 30);
  await write("alice", "gone", 200);
  await store.write([{ key: key("gone"), delete: true }]);
  for (const id of ["1", "2"]) await write("bob", id, 100);
  await write("carol", "1", 120);
  assertEquals(await idsIn("c/bob"), ["1", "2"]);
  await write("carol", "2", 5);
  assertEquals(await idsIn("c/bob"), ["2"]);
  assertEquals([await idsIn("c/alice"), await idsIn("c/carol")], [["1", "2", "3", "4"], [
    "1",
    "2",
  ]]);
});

Deno.test("memory drops expired entries before live ones", async () => {
  let time = 0;
  const store = createMemoryStore({ now: () => time, maxEntries: 3 });
  await store.write([set("old")]);
  await store.write([{ ...set("x"), ttlMs: 5_000 }, { ...set("y"), ttlMs: 6_000 }]);
  time = 6_000;
  await store.write([set("new 1"), set("new 2")]);
  assertEquals(await valueOf(store, "old"), "old");
});

Deno.test("memory keeps its entries sorted while many are written and dropped", async () => {
  const store = createMemoryStore({ now });
  for (let i = 0; i < 12_000; i++) await store.write([set(`${(i * 7_919) % 12_000}`)]);
  const all = await store.list({ collection: "c/alice", limit: 20_000 });
  assertEquals(all.length, 10_000);
  assert(all.every(({ id }, i) => i === 0 || all[i - 1]!.id < id));
});

Deno.test("beyond its bounds memory drops entries of the owner with most, and none without owner", async () => {
  const idsIn = async (collection: string) =>
    (await store.list({ collection, limit: 9 })).map(({ id }) => id);
  const store = createMemoryStore({ now, maxEntries: 5 });
  await store.write([set("lease", "", "leases")]);
  await store.write([set("bob", "", "c/bob")]);
  for (const id of ["1", "2", "3", "4", "5"]) await store.write([set(id)]);
  await store.write([set("items", "", "d/alice/items")]);
  assertEquals(await idsIn("c/alice"), ["4", "5"]);
  assertEquals(await idsIn("d/alice/items"), ["items"]);
  assertEquals(await idsIn("leases"), ["lease"]);
  assertEquals(await idsIn("c/bob"), ["bob"]);
});

Deno.test("entries without owner are kept, also beyond the bounds", async () => {
  const store = createMemoryStore({ now, maxEntries: 2 });
  const ids = ["1", "2", "3"];
  for (const id of ids) assert(await store.write([set(id, "", "leases")]));
  const kept = await store.list({ collection: "leases", limit: 9 });
  assertEquals(kept.map(({ id }) => id), ids);
});
