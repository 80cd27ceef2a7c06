import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { MAX_CHANGES } from "../../lib/store/store.ts";
import { waitUntil } from "../support/wait.ts";
import { contract, HOUR, key, set, valueOf, versionOf } from "./contract.ts";

contract(
  "get returns entries in the order of the keys, undefined for missing ones",
  async ({ store }) => {
    const other = key("a", "d");
    assert(await store.write([set("a", "1"), set("b", "2"), { key: other, value: "3" }]));
    const found = await store.get([key("b"), key("none"), other, key("a"), key("b")]);
    assertEquals(found.map((entry) => entry?.value), ["2", undefined, "3", "1", "2"]);
    assertEquals(found[2], { ...other, value: "3", version: found[2]!.version });
    assertEquals(await store.get([]), []);
    assertEquals(await store.write([]), true);
  },
);

contract("every write creates a version that was never used", async ({ store }) => {
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    await store.write([set("a", "same")]);
    seen.add((await versionOf(store, "a"))!);
    await store.write([{ key: key("a"), delete: true }]);
  }
  assertEquals(seen.size, 5);
  assertEquals(seen.has(undefined!), false);
});

contract("a write succeeds only if the version matches", async ({ store }) => {
  assert(await store.write([{ ...set("a", "1"), ifVersion: null }]));
  assertEquals(await store.write([{ ...set("a", "2"), ifVersion: null }]), false);
  const first = (await versionOf(store, "a"))!;
  assert(await store.write([{ ...set("a", "3"), ifVersion: first }]));
  assertEquals(await store.write([{ ...set("a", "4"), ifVersion: first }]), false);
  assertEquals(await store.write([{ ...set("none", "4"), ifVersion: first }]), false);
  assertEquals(await store.write([{ key: key("a"), delete: true, ifVersion: first }]), false);
  assertEquals(await valueOf(store, "a"), "3");
  const second = (await versionOf(store, "a"))!;
  assertNotEquals(second, first);
  assert(await store.write([{ key: key("a"), delete: true, ifVersion: second }]));
  assertEquals(await valueOf(store, "a"), undefined);
  assert(await store.write([{ key: key("a"), delete: true }]));
  assert(await store.write([{ key: key("a"), delete: true, ifVersion: null }]));
});

contract("a write makes all changes or none", async ({ store }) => {
  await store.write([set("a", "old"), set("b", "old")]);
  const stale = { ...set("b", "new"), ifVersion: "stale" };
  const long = "x".repeat(200_000);
  for (const value of ["new", long]) {
    const changes = [set("a", value), stale, set("c", value), {
      key: key("b"),
      delete: true as const,
    }];
    assertEquals(await store.write(changes.slice(0, 3)), false);
  }
  assertEquals(await valueOf(store, "a"), "old");
  assertEquals(await valueOf(store, "b"), "old");
  assertEquals(await valueOf(store, "c"), undefined);
  const [a] = await store.get([key("a")]);
  assert(await store.write([set("b", "new"), { ...set("a", "new"), ifVersion: a!.version }]));
  assertEquals(await valueOf(store, "b"), "new");
});

contract("list returns a range in the order of its ids", async ({ store }) => {
  const ids = ["a", "B", "a-1", "a1", "a:", "b", "aa", "~"];
  await store.write(ids.map((id) => set(id)));
  await store.write(["c\u0001", "", "cc", "b"].map((collection) => ({
    key: key("a5", collection),
    value: "",
  })));
  const sorted = ["B", "a", "a-1", "a1", "a:", "aa", "b", "~"];
  const list = async (range: object) =>
    (await store.list({ collection: "c", limit: 100, ...range })).map(({ id }) => id);
  assertEquals(await list({}), sorted);
  assertEquals(await list({ reverse: true }), sorted.toReversed());
  assertEquals(await list({ limit: 3 }), sorted.slice(0, 3));
  assertEquals(await list({ limit: 0 }), []);
  assertEquals(await list({ limit: 2, reverse: true }), ["~", "b"]);
  assertEquals(await list({ after: "a" }), sorted.slice(2));
  assertEquals(await list({ after: "a0" }), sorted.slice(3));
  assertEquals(await list({ before: "a1" }), ["B", "a", "a-1"]);
  assertEquals(await list({ after: "a", before: "b" }), ["a-1", "a1", "a:", "aa"]);
  assertEquals(await list({ after: "a", before: "b", reverse: true, limit: 2 }), ["aa", "a:"]);
  assertEquals(await list({ after: "b", before: "a" }), []);
  assertEquals(await list({ after: "a", before: "a" }), []);
  assertEquals(await list({ collection: "none" }), []);
  const [entry] = await store.list({ collection: "c", limit: 1 });
  assertEquals(entry, { ...key("B"), value: "B", version: (await versionOf(store, "B"))! });
});

contract("an entry is missing once it has expired", async ({ store, pass }) => {
  await store.write([
    set("stays"),
    { ...set("goes", "1"), ttlMs: HOUR },
    { ...set("prolonged", "1"), ttlMs: HOUR },
    { ...set("late"), ttlMs: 0 },
  ]);
  assertEquals(await valueOf(store, "late"), undefined);
  await store.write([set("prolonged", "2")]);
  pass(HOUR - 1);
  assertEquals(await valueOf(store, "goes"), "1");
  assertEquals((await store.list({ collection: "c", limit: 9 })).length, 3);
  const stale = (await versionOf(store, "goes"))!;
  pass(1);
  assertEquals(await valueOf(store, "goes"), undefined);
  assertEquals(await valueOf(store, "prolonged"), "2");
  const [first] = await store.list({ collection: "c", limit: 1 });
  assertEquals(first?.id, "prolonged", "an expired entry must not count towards the limit");
  assertEquals(await store.write([{ ...set("goes", "2"), ifVersion: stale }]), false);
  assert(await store.write([{ ...set("goes", "2"), ifVersion: null }]));
  assertEquals(await valueOf(store, "goes"), "2");
});

contract(
  "list finds live entries behind hundreds of expired ones",
  async ({ store, pass }) => {
    for (let i = 0; i < 300; i += 50) {
      await store.write(Array.from({ length: 50 }, (_, j) => ({
        ...set(String(i + j).padStart(5, "0")),
        ttlMs: HOUR,
      })));
    }
    pass(HOUR);
    await store.write([set("00150", "live"), set("1")]);
    for (const reverse of [false, true]) {
      const found = await store.list({ collection: "c", limit: 2, reverse });
      assertEquals(found.map(({ id }) => id), reverse ? ["1", "00150"] : ["00150", "1"]);
    }
  },
);

contract("values are read as they were written", async ({ store }) => {
  const texts = [
    "",
    "\0 in \0 it",
    "\uFEFFé漢字🙂\u2028\"'\\",
    "\u0001 \uE000 \uE0000 \uE0001 \0\uE000",
    "x".repeat(59_999),
    "é".repeat(30_001),
    "🙂".repeat(50_000),
    JSON.stringify({ a: "1".repeat(3_000_000) }),
  ];
  for (const value of [...texts, ...texts.toReversed()]) {
    await store.write([set("a", value)]);
    assert(await valueOf(store, "a") === value, `a text of ${value.length} characters was changed`);
  }
  await store.write(texts.map((value, i) => set(`t${i}`, value)));
  const found = await store.list({ collection: "c", after: "t", limit: 100 });
  assert(found.every(({ value }, i) => value === texts[i]), "list changed a text");
});

contract("one write takes 100 entries of 50 kB", async ({ store }) => {
  const value = "v".repeat(50_000);
  const ids = Array.from({ length: MAX_CHANGES }, (_, i) => `${i + 100}`);
  assert(await store.write(ids.map((id) => set(id, value + id))));
  const found = await store.list({ collection: "c", limit: 1000 });
  assertEquals(found.map(({ id }) => id), ids);
  assert(found.every((entry) => entry.value === value + entry.id));
  assert(await store.write(ids.map((id) => ({ key: key(id), delete: true }))));
  assertEquals(await store.list({ collection: "c", limit: 1000 }), []);
});

contract("names may contain anything but NUL and never collide", async ({ store }) => {
  const names = [
    "a",
    "a:b",
    "a b",
    "é",
    "\u0001",
    "*",
    "[a]",
    "",
    "x".repeat(200),
    "漢".repeat(200),
  ];
  const keys = names.flatMap((collection) => names.map((id) => ({ collection, id })));
  assert(await store.write(keys.map((key, i) => ({ key, value: String(i) }))));
  const found = await store.get(keys);
  assertEquals(found.map((entry) => entry?.value), keys.map((_, i) => String(i)));
  assertEquals((await store.list({ collection: "a", limit: 100 })).length, names.length);
});

contract("invalid keys, ranges and values are rejected", async ({ store }) => {
  const rejects = async (work: () => Promise<unknown>) => void await assertRejects(work, TypeError);
  for (const name of ["x".repeat(201), "a\0b", "\ud800"]) {
    await rejects(() => store.get([key(name)]));
    await rejects(() => store.get([key("a", name)]));
    await rejects(() => store.write([set(name)]));
    await rejects(() => store.list({ collection: name, limit: 1 }));
    await rejects(() => store.list({ collection: "c", limit: 1, after: name }));
  }
  for (const ttlMs of [NaN, Infinity]) await rejects(() => store.write([{ ...set("a"), ttlMs }]));
  for (const limit of [-1, 1.5, NaN]) await rejects(() => store.list({ collection: "c", limit }));
  await rejects(() => store.write([set("twice"), set("twice")]));
  await rejects(() => store.write([set("a", "\ud800")]));
  const owned = (owner: string) => ({ key: key("a", `c/${owner}`), value: "" });
  await rejects(() => store.write([owned("alice"), owned("bob")]));
  await rejects(() => store.write([owned("alice"), set("a")]));
  const many = Array.from({ length: MAX_CHANGES + 1 }, (_, i) => set(`${i}`));
  await rejects(() => store.write(many));
  assertEquals(await store.list({ collection: "c", limit: 9 }), []);
  assert(await store.write([owned("alice"), { key: key("b", "d/alice/more"), value: "" }]));
});

contract("a change can only check a version", async ({ store }) => {
  await store.write([set("a", "1"), set("long", "x".repeat(200_000))]);
  const check = async (id: string) => ({
    key: key(id),
    check: true as const,
    ifVersion: await versionOf(store, id) ?? null,
  });
  const checks = [await check("a"), await check("long"), await check("none")];
  assert(await store.write([...checks, set("b", "1")]));
  assert(await store.write(checks));
  assertEquals(await versionOf(store, "a"), checks[0]!.ifVersion, "a check must change nothing");
  assertEquals((await valueOf(store, "long"))?.length, 200_000);
  assertEquals(await valueOf(store, "none"), undefined);
  await store.write([set("a", "2")]);
  assertEquals(await store.write([...checks, set("b", "2")]), false);
  assertEquals(await store.write(checks), false);
  assertEquals(await valueOf(store, "b"), "1");
});

contract("the time is that by which entries expire", async ({ store, now, pass }) => {
  assertEquals(await store.now(), now());
  pass(HOUR);
  assertEquals(await store.now(), now());
});

contract("a watch is called after changes that notify, also of another handle", async (bench) => {
  const { store } = bench;
  const other = await bench.open();
  const seen = { a: 0, b: 0, twice: 0 };
  const count = (name: keyof typeof seen) => () => void seen[name]++;
  const stops = [store.watch("a", count("a")), store.watch("b", count("b"))];
  stops.push(store.watch("a", count("twice")));
  const changes = [
    { key: key("1", "a"), value: "1", notify: true },
    { key: key("1", "a"), delete: true, notify: true },
    { key: key("none", "a"), delete: true, notify: true },
  ] as const;
  for (const writer of [store, other]) {
    for (const change of changes) {
      const before = { ...seen };
      // The watch of another process may begin late, so the change is repeated.
      await waitUntil("both watches of the collection", async () => {
        assert(await writer.write([change]));
        return seen.a > before.a && seen.twice > before.twice;
      });
    }
  }
  if (store.kind === "memory") assertEquals(seen.b, 0);
  const before = { ...seen };
  await store.write([{ key: key("1", "b"), value: "1" }]);
  await store.write([{ key: key("2", "b"), value: "1", ifVersion: "stale", notify: true }]);
  if (store.kind === "memory") assertEquals(seen, before, "no change notifies here");
  stops.pop()!();
  const { twice } = seen;
  await waitUntil("the other watch", async () => {
    assert(await store.write([changes[0]]));
    return seen.a > before.a;
  });
  assertEquals(seen.twice, twice);
  for (const stop of [...stops, ...stops]) stop();
  const last = { ...seen };
  await store.write([changes[0]]);
  assertEquals(seen, last);
  store.watch("a", count("a"));
  await waitUntil("the watch that began again", async () => {
    assert(await other.write([changes[0]]));
    return seen.a > last.a;
  });
});

contract("the first calls of a handle may be made together", async ({ open }) => {
  const store = await open();
  const owners = ["a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f"];
  const found = await Promise.all(owners.map((owner) => store.get([key("1", `c/${owner}`)])));
  assertEquals(found, owners.map(() => [undefined]));
});

contract("a closed store may be closed again, and watches nothing", async ({ store }) => {
  await store.write([set("a")]);
  await store.close();
  await store.close();
  store.watch("a", () => {});
});

contract(
  "handles share their data, and it remains after all are closed",
  async ({ store, open }) => {
    const other = await open();
    await store.write([set("a", "1"), set("long", "x".repeat(100_000))]);
    assertEquals(await valueOf(other, "a"), "1");
    assert(await other.write([{ ...set("a", "2"), ifVersion: (await versionOf(store, "a"))! }]));
    assertEquals(await valueOf(store, "a"), "2");
    await store.close();
    await other.close();
    const third = await open();
    assertEquals(await valueOf(third, "a"), "2");
    assertEquals((await valueOf(third, "long"))?.length, 100_000);
  },
  ["sqlite", "kv", "redis", "postgres"],
);
