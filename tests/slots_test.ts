import { assert, assertEquals, assertRejects } from "@std/assert";
import { createSlots, type Release, type Slots } from "../lib/slots.ts";

const never = new AbortController().signal;
const createOwn = (limit: () => number) => createSlots(limit, () => false);

/** Takes slots for an owner until there are none; returns how many. */
function takeAll(slots: Slots, owner: string): Release[] {
  const taken: Release[] = [];
  for (let release; (release = slots.tryAcquire(owner)) !== undefined;) taken.push(release);
  return taken;
}

Deno.test("slots are given out in the order of the requests for them", async () => {
  const slots = createOwn(() => 1);
  const leaving = new AbortController();
  const order: string[] = [];
  const release = await slots.acquire("a", never);
  const waiting = ["1", "2", "3"].map(async (name) => {
    const done = await slots.acquire("a", name === "2" ? leaving.signal : never);
    order.push(name);
    done();
  });
  leaving.abort(new Error("left"));
  await assertRejects(() => waiting[1]!, Error, "left");
  assertEquals(order, []);
  release();
  await Promise.all([waiting[0], waiting[2]]);
  assertEquals(order, ["1", "3"]);
  (await slots.acquire("a", never))();
});

Deno.test("acquire() rejects at once if the signal is already aborted", async () => {
  const slots = createOwn(() => 1);
  const aborted = AbortSignal.abort(new Error("left"));
  await assertRejects(() => slots.acquire("a", aborted), Error, "left");
});

Deno.test("a slot is freed only once", async () => {
  const slots = createOwn(() => 1);
  const release = await slots.acquire("a", never);
  release();
  const next = slots.tryAcquire("a");
  release();
  assertEquals(slots.tryAcquire("a"), undefined);
  next?.();
});

Deno.test("a raised limit lets waiting callers through, and newcomers do not overtake them", async () => {
  let limit = 1;
  const slots = createOwn(() => limit);
  await slots.acquire("a", never);
  const order: string[] = [];
  const waiting = ["1", "2"].map(async (name) => {
    await slots.acquire("a", never);
    order.push(name);
  });
  limit = 2;
  assertEquals(slots.tryAcquire("a"), undefined);
  await waiting[0];
  assertEquals(order, ["1"]);
  limit = 3;
  slots.update();
  await waiting[1];
  assertEquals(order, ["1", "2"]);
});

Deno.test("a lowered limit applies as soon as enough slots are free", async () => {
  let limit = 2;
  const slots = createOwn(() => limit);
  const releases = [await slots.acquire("a", never), await slots.acquire("a", never)];
  let admitted = false;
  const waiting = slots.acquire("a", never).then(() => admitted = true);
  limit = 1;
  releases[0]!();
  await Promise.resolve();
  assertEquals(admitted, false);
  releases[1]!();
  await waiting;
  assertEquals(slots.tryAcquire("a"), undefined);
});

Deno.test("one owner alone takes every slot, one of several leaves some", () => {
  assertEquals(takeAll(createSlots(() => 100, () => false), "a").length, 100);
  const slots = createSlots(() => 100, () => true);
  const taken = ["a", "b", "c", "d"].map((owner) => takeAll(slots, owner));
  assertEquals(taken.map(({ length }) => length), [80, 16, 4, 0]);
  // The share of each is equal in the end.
  for (let i = 0; i < 200; i++) {
    for (const [owner, releases] of taken.entries()) {
      releases.shift()?.();
      releases.push(...takeAll(slots, "abcd"[owner]!));
    }
  }
  for (const { length } of taken) assert(length >= 20 && length <= 25, `${length}`);
});

Deno.test("a free slot goes to the waiting owner that holds the fewest", async () => {
  const slots = createSlots(() => 4, () => true);
  const order: string[] = [];
  const releases = takeAll(slots, "a");
  assertEquals(releases.length, 4);
  for (const owner of ["a", "a", "b", "b", "c"]) {
    slots.acquire(owner, never).then(() => order.push(owner));
  }
  for (const release of releases) release();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(order, ["b", "c", "a", "b"]);
});

Deno.test("a request for more slots than the limit waits until all are free, and is not overtaken", async () => {
  const slots = createSlots(() => 10, () => true);
  const order: string[] = [];
  const acquire = async (owner: string, count: number) => {
    const release = await slots.acquire(owner, never, count);
    order.push(`${owner} ${count}`);
    return release;
  };
  const small = await acquire("a", 3);
  const large = acquire("b", 20);
  const next = acquire("a", 1);
  assertEquals(slots.tryAcquire("c"), undefined);
  small();
  (await large)();
  await next;
  assertEquals(order, ["a 3", "b 20", "a 1"]);
});
