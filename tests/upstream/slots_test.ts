import { assertEquals, assertRejects } from "@std/assert";
import { createSlots } from "../../lib/upstream/slots.ts";

Deno.test("slots are given out in the order in which they were asked for", async () => {
  const slots = createSlots(1);
  const never = new AbortController().signal;
  const left = new AbortController();
  const order: string[] = [];
  const release = await slots.acquire(never);
  const waiting = ["a", "b", "c"].map(async (name) => {
    const done = await slots.acquire(name === "b" ? left.signal : never);
    order.push(name);
    done();
  });
  left.abort(new Error("left"));
  await assertRejects(() => waiting[1]!, Error, "left");
  release();
  await Promise.all([waiting[0], waiting[2]]);
  assertEquals(order, ["a", "c"]);
  (await slots.acquire(never))();
});

Deno.test("a slot is not waited for by one who has left already", async () => {
  const slots = createSlots(1);
  await assertRejects(() => slots.acquire(AbortSignal.abort(new Error("left"))), Error, "left");
});
