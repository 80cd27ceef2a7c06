import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { key, set, valueOf } from "../contract.ts";

const now = () => 0;

Deno.test("beyond maxEntries memory drops the least recently used entry", async () => {
  const store = createMemoryStore({ now, maxEntries: 3 });
  for (const id of ["a", "b", "c"]) await store.write([set(id)]);
  await valueOf(store, "a");
  await store.write([set("d")]);
  assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), [
    "a",
    "c",
    "d",
  ]);
  await store.write([set("c", "again")]);
  await store.write([set("e")]);
  assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), [
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
  assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), ["b", "e"]);
});

Deno.test("a write that exceeds the bounds alone is rejected and drops nothing", async () => {
  const store = createMemoryStore({ now, maxBytes: 1_000, maxEntries: 3 });
  await store.write([set("a", "kept")]);
  await assertRejects(() => store.write([set("b", "x".repeat(500))]), RangeError, "1004 bytes");
  await assertRejects(() => store.write(["1", "2", "3", "4"].map((id) => set(id))), RangeError);
  assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), ["a"]);
});

Deno.test("memory drops expired entries before live ones", async () => {
  let time = 0;
  const store = createMemoryStore({ now: () => time, maxEntries: 3 });
  await store.write([set("old")]);
  await store.write([{ ...set("x"), expiresAt: 5_000 }, { ...set("y"), expiresAt: 6_000 }]);
  time = 6_000;
  await store.write([set("new 1"), set("new 2")]);
  assertEquals(await valueOf(store, "old"), "old");
});

Deno.test("memory keeps its entries sorted while many are written and dropped", async () => {
  const store = createMemoryStore({ now });
  for (let i = 0; i < 12_000; i++) await store.write([set(`${(i * 7_919) % 12_000}`)]);
  const all = await store.list({ collection: "c", limit: 20_000 });
  assertEquals(all.length, 10_000);
  assert(all.every(({ id }, i) => i === 0 || all[i - 1]!.id < id));
});
