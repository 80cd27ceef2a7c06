import { assertEquals, assertRejects } from "@std/assert";
import { createMemoryLimiter } from "../../lib/store/memory/limiter.ts";
import { createMemoryStore } from "../../lib/store/memory/store.ts";
import type { Stores } from "../../lib/store/open.ts";
import { StoreError } from "../../lib/store/store.ts";
import { waitForStores } from "../../lib/store/wait.ts";
import { createFakeClock } from "../support/clock.ts";

const refused = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const loading = () => Object.assign(new Error("LOADING"), { code: "LOADING" });
const wrongPassword = () => Object.assign(new Error("WRONGPASS"), { code: "WRONGPASS" });

/** @param attempts outcome of each attempt; the last one is repeated. */
function setUp(attempts: (() => Error | "opens")[], waitMs = 60_000) {
  const fake = createFakeClock();
  const { clock } = fake;
  const events: string[] = [];
  const times: number[] = [];
  function open(): Promise<Stores> {
    const outcome = attempts[Math.min(times.length, attempts.length - 1)]!();
    times.push(clock.now());
    if (outcome !== "opens") return Promise.reject(outcome);
    const close = () => Promise.resolve(void events.push("closed"));
    return Promise.resolve({
      store: { ...createMemoryStore({ now: clock.date }), close },
      limiter: createMemoryLimiter({ now: clock.date }),
    });
  }
  const stores = waitForStores({
    open,
    kind: "redis",
    waitMs,
    clock,
    onFailure: (error) => events.push(`failed: ${error.message}`),
    onOpen: () => events.push("opened"),
    onGiveUp: (error) => events.push(`gave up: ${error.message}`),
  });
  return { ...fake, stores, events, times };
}

const KEY = { collection: "c", id: "i" };
const LIMIT = { key: "k", amount: 1, windowMs: 1_000, kind: "rate" } as const;

Deno.test("stores fail until their server answers, and work from then on", async () => {
  const { stores, events, times, clock, advance, pending } = setUp([
    refused,
    refused,
    () => "opens",
  ]);
  const { store, limiter } = await stores;
  assertEquals(store.kind, "redis");
  await assertRejects(() => store.get([KEY]), StoreError, "ECONNREFUSED");
  await assertRejects(() => store.list({ collection: "c", limit: 1 }), StoreError);
  await assertRejects(() => store.write([{ key: KEY, value: "v" }]), StoreError);
  await assertRejects(() => limiter.take([{ limit: LIMIT, cost: 1 }]), StoreError);
  await assertRejects(() => limiter.settle([]), StoreError);
  await assertRejects(() => limiter.renew([]), StoreError);
  await assertRejects(() => store.now(), StoreError);
  const changes: string[] = [];
  const stopped = store.watch("c", () => changes.push("stopped"));
  const stop = store.watch("c", () => changes.push("changed"));
  stopped();
  await advance(750);
  assertEquals(events, ["failed: connect ECONNREFUSED", "opened"]);
  assertEquals(times.map((time) => time - times[0]!), [0, 250, 750]);
  assertEquals(await store.write([{ key: KEY, value: "v", notify: true }]), true);
  assertEquals(changes, ["changed"]);
  stop();
  assertEquals(await store.write([{ key: KEY, value: "v", notify: true }]), true);
  assertEquals(changes, ["changed"]);
  assertEquals(await store.now(), clock.date());
  assertEquals((await store.get([KEY]))[0]?.value, "v");
  assertEquals((await store.list({ collection: "c", limit: 1 })).length, 1);
  assertEquals((await limiter.take([{ limit: LIMIT, cost: 1 }])).ok, true);
  await limiter.settle([]);
  await limiter.renew([]);
  await store.close();
  assertEquals(events.includes("closed"), true);
  assertEquals(pending(), 0);
});

Deno.test("attempts are at most 2 s apart, and end when the time is over", async () => {
  const { stores, events, times, advance, pending } = setUp([refused], 10_000);
  await stores;
  await advance(30_000);
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  assertEquals(gaps, [250, 500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
  assertEquals(events.at(-1), "gave up: connect ECONNREFUSED");
  assertEquals(pending(), 0);
});

Deno.test("a failure is reported when it differs from the one before", async () => {
  const { stores, events, advance } = setUp(
    [refused, loading, loading, refused, refused, () => "opens"],
  );
  const { store } = await stores;
  await advance(10_000);
  const failures = ["connect ECONNREFUSED", "LOADING", "connect ECONNREFUSED"];
  assertEquals(events, [...failures.map((failure) => `failed: ${failure}`), "opened"]);
  await store.close();
});

Deno.test("a refused password ends opening at once, with or without a wait", async () => {
  await assertRejects(() => setUp([wrongPassword]).stores, Error, "WRONGPASS");
  await assertRejects(() => setUp([refused], 0).stores, Error, "ECONNREFUSED");
  const { stores, events, advance } = setUp([refused, wrongPassword]);
  await stores;
  await advance(250);
  assertEquals(events, ["failed: connect ECONNREFUSED", "gave up: WRONGPASS"]);
});

Deno.test("closing ends the wait", async () => {
  const { stores, events, times, advance, pending } = setUp([refused]);
  const { store, limiter } = await stores;
  await Promise.all([store.close(), limiter.close()]);
  await advance(60_000);
  assertEquals([times.length, pending(), events.length], [1, 0, 1]);
});

Deno.test("closing while the stores are being opened closes them", async () => {
  let closing: Promise<void> | undefined;
  const { stores, events, advance, pending } = setUp([refused, () => {
    closing = stores.then(({ store }) => store.close());
    return "opens";
  }]);
  await stores;
  await advance(250);
  await closing;
  assertEquals(events, ["failed: connect ECONNREFUSED", "closed"]);
  assertEquals(pending(), 0);
});
