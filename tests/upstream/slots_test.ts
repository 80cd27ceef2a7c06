import { assertEquals, assertRejects } from "@std/assert";
import { createSlots } from "../../lib/upstream/slots.ts";

const never = new AbortController().signal;

Deno.test("slots are given out in the order of the requests for them", async () => {
  const slots = createSlots(() => 1);
  const leaving = new AbortController();
  const order: string[] = [];
  const release = await slots.acquire(never);
  const waiting = ["a", "b", "c"].map(async (name) => {
    const done = await slots.acquire(name === "b" ? leaving.signal : never);
    order.push(name);
    done();
  });
  assertEquals(slots.waiting(), 3);
  leaving.abort(new Error("left"));
  await assertRejects(() => waiting[1]!, Error, "left");
  assertEquals(slots.waiting(), 2);
  release();
  await Promise.all([waiting[0], waiting[2]]);
  assertEquals(order, ["a", "c"]);
  (await slots.acquire(never))();
});

Deno.test("acquire() rejects at once if the signal is already aborted", async () => {
  const slots = createSlots(() => 1);
  const aborted = AbortSignal.abort(new Error("left"));
  await assertRejects(() => slots.acquire(aborted), Error, "left");
});

Deno.test("a slot is freed only once", async () => {
  const slots = createSlots(() => 1);
  const release = await slots.acquire(never);
  release();
  const next = slots.tryAcquire();
  release();
  assertEquals(slots.tryAcquire(), undefined);
  next?.();
});

Deno.test("a raised limit lets waiting callers through, and newcomers do not overtake them", async () => {
  let limit = 1;
  const slots = createSlots(() => limit);
  await slots.acquire(never);
  const order: string[] = [];
  const waiting = ["a", "b"].map(async (name) => {
    await slots.acquire(never);
    order.push(name);
  });
  limit = 2;
  assertEquals(slots.tryAcquire(), undefined);
  await waiting[0];
  assertEquals(order, ["a"]);
  limit = 3;
  slots.update();
  await waiting[1];
  assertEquals([order, slots.waiting()], [["a", "b"], 0]);
});

Deno.test("a lowered limit applies as soon as enough slots are free", async () => {
  let limit = 2;
  const slots = createSlots(() => limit);
  const releases = [await slots.acquire(never), await slots.acquire(never)];
  const waiting = slots.acquire(never);
  limit = 1;
  releases[0]!();
  assertEquals(slots.waiting(), 1);
  releases[1]!();
  await waiting;
  assertEquals([slots.waiting(), slots.tryAcquire()], [0, undefined]);
});
