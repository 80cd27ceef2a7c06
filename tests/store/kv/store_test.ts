import { assertEquals, assertRejects } from "@std/assert";
import { createKvStore } from "../../../lib/store/kv/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { key, set, valueOf } from "../contract.ts";

const START = Date.UTC(2026, 0, 1);

/** Runs `test` on a new KV; `pieces` counts the pieces in it. */
function onKv(
  name: string,
  test: (bench: { store: Store; kv: Deno.Kv; pieces: () => Promise<number> }) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir();
    const kv = await Deno.openKv(`${dir}/kv.db`);
    const store = createKvStore({ kv, now: () => START });
    try {
      const pieces = async () =>
        (await Array.fromAsync(kv.list({ prefix: ["o1", "piece"] }))).length;
      await test({ store, kv, pieces });
    } finally {
      await store.close();
      await Deno.remove(dir, { recursive: true });
    }
  });
}

const LONG = "x".repeat(150_000);

onKv("replacing or deleting a text deletes its pieces", async ({ store, pieces }) => {
  await store.write([set("a", LONG), set("b", LONG)]);
  assertEquals(await pieces(), 6);
  await store.write([set("a", LONG + LONG)]);
  assertEquals(await pieces(), 8);
  await store.write([set("a", "short")]);
  assertEquals(await pieces(), 3);
  await store.write([{ key: key("b"), delete: true }]);
  assertEquals(await pieces(), 0);
});

onKv("a write that fails its condition leaves no pieces", async ({ store, pieces }) => {
  await store.write([set("a", LONG)]);
  const writes = Array.from(
    { length: 10 },
    () => store.write([{ ...set("b", LONG), ifVersion: null }]),
  );
  assertEquals((await Promise.all(writes)).filter((won) => won).length, 1);
  assertEquals(await store.write([{ ...set("a", LONG), ifVersion: "another" }]), false);
  assertEquals(await pieces(), 6);
});

onKv(
  "an entry whose pieces are gone is missing and can be written again",
  async ({ store, kv }) => {
    await store.write([set("a", LONG), set("b", "whole")]);
    const [piece] = await Array.fromAsync(kv.list({ prefix: ["o1", "piece"] }));
    await kv.delete(piece!.key);
    assertEquals(await valueOf(store, "a"), undefined);
    assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), ["b"]);
    await store.write([set("a", LONG)]);
    assertEquals(await valueOf(store, "a"), LONG);
  },
);

onKv(
  "a write starts over when its keys change meanwhile, up to 50 tries",
  async ({ store, kv }) => {
    await store.write([set("a", "rival")]);
    let rivals = 0;
    const contested = {
      async getMany(keys: Deno.KvKey[]) {
        const found = await kv.getMany(keys);
        if (rivals-- > 0) await kv.set(keys[0]!, found[0]!.value);
        return found;
      },
      atomic: () => kv.atomic(),
    } as Partial<Deno.Kv> as Deno.Kv;
    const late = createKvStore({ kv: contested, now: () => START });
    const { random } = Math;
    // The shortest delays.
    Math.random = () => 0;
    try {
      rivals = 49;
      assertEquals(await late.write([set("a", "late")]), true);
      assertEquals(await valueOf(store, "a"), "late");
      rivals = 50;
      await assertRejects(() => late.write([set("a", "later")]), Error, "changed 50 times");
      assertEquals(await valueOf(store, "a"), "late");
    } finally {
      Math.random = random;
    }
  },
);

onKv("an entry that expires when it is written leaves no pieces", async ({ store, pieces }) => {
  await store.write([{ ...set("a", LONG), ttlMs: 0 }]);
  assertEquals(await pieces(), 0);
  await store.write([{ ...set("a", LONG), ttlMs: 1 }]);
  assertEquals(await pieces(), 3);
});

Deno.test("an update that other servers keep overtaking pauses longer each time, up to 0.4 s", async () => {
  let attempts = 0;
  const operation = {
    check: () => operation,
    set: () => operation,
    delete: () => operation,
    commit: () => Promise.resolve(++attempts < 12 ? { ok: false } : { ok: true }),
  };
  const store = createKvStore({
    kv: {
      getMany: (keys: Deno.KvKey[]) =>
        Promise.resolve(keys.map((key) => ({ key, value: null, versionstamp: null }))),
      atomic: () => operation,
      close() {},
    } as unknown as Deno.Kv,
    now: () => START,
  });
  const { setTimeout } = globalThis;
  const { random } = Math;
  const pauses: number[] = [];
  globalThis.setTimeout = ((end: () => void, ms: number) => {
    pauses.push(ms);
    queueMicrotask(end);
  }) as typeof setTimeout;
  Math.random = () => 0.5;
  try {
    assertEquals(await store.write([set("a", "text")]), true);
  } finally {
    globalThis.setTimeout = setTimeout;
    Math.random = random;
  }
  assertEquals(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 200, 200, 200]);
  await store.close();
});

Deno.test("KV itself deletes entries when they expire", async () => {
  const options: { expireIn?: number }[] = [];
  const operation = {
    check: () => operation,
    set: (_key: unknown, _value: unknown, given: { expireIn?: number }) => {
      options.push(given);
      return operation;
    },
    delete: () => operation,
    commit: () => Promise.resolve({ ok: true }),
  };
  const store = createKvStore({
    kv: {
      getMany: (keys: Deno.KvKey[]) =>
        Promise.resolve(keys.map((key) => ({ key, value: null, versionstamp: null }))),
      atomic: () => operation,
      close() {},
    } as unknown as Deno.Kv,
    now: () => START,
  });
  await store.write([{ ...set("a"), ttlMs: 4_999.5 }, set("b")]);
  assertEquals(options.splice(0), [{ expireIn: 5_000 }, {}]);
  // The pieces of a long text, an hour later, and what refers to them.
  await store.write([{ ...set("a", "x".repeat(100_000)), ttlMs: 4_999.5 }]);
  assertEquals(options.map(({ expireIn }) => expireIn), [3_605_000, 3_605_000, 5_000]);
  options.length = 0;
  await store.write([set("a", "x".repeat(100_000))]);
  assertEquals(options, [{}, {}, {}]);
  await store.close();
});
