import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { serverClock, sleep, systemClock, within } from "../lib/clock.ts";
import { waitFor } from "./support/wait.ts";

Deno.test("every timer fires once, on time and in order, unless cancelled", async () => {
  const timers = fc.array(
    fc.record({ ms: fc.integer({ min: 0, max: 25 }), cancelled: fc.boolean() }),
    { minLength: 1, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(timers, async (timers) => {
      const fired: { index: number; after: number }[] = [];
      const start = performance.now();
      const cancels = timers.map(({ ms }, index) =>
        systemClock.timer(ms, () => fired.push({ index, after: performance.now() - start }))
      );
      timers.forEach(({ cancelled }, i) => cancelled && cancels[i]!());
      await new Promise<void>((resolve) => systemClock.timer(26, resolve));
      for (const cancel of cancels) cancel();
      const expected = timers.flatMap(({ cancelled }, index) => cancelled ? [] : [index]);
      assertEquals(fired.map(({ index }) => index).sort((a, b) => a - b), expected);
      for (const { index, after } of fired) assert(after >= timers[index]!.ms, `${after} ms`);
      for (const [i, { after }] of fired.entries()) assert(after >= (fired[i - 1]?.after ?? 0));
    }),
    { numRuns: 10 },
  );
});

Deno.test("sleep() and within() leave no timer behind", async () => {
  const start = performance.now();
  await sleep(systemClock, 5, new AbortController().signal);
  assert(performance.now() - start >= 5);
  assertEquals(await within(systemClock, 60_000, Promise.resolve("done")), "done");
  assertEquals(await within(systemClock, 5, new Promise(() => {})), "late");
});

Deno.test("now() never decreases and is at most one millisecond behind the runtime", () => {
  const end = performance.now() + 20;
  for (let last = 0, before = performance.now(); before < end; before = performance.now()) {
    const seen = systemClock.now();
    assert(seen >= last, `${seen} after ${last}`);
    // The system's two clocks may differ by a microsecond.
    assert(seen >= before - 1.001 && seen <= performance.now(), `${seen} at ${before}`);
    last = seen;
  }
});

Deno.test("a timer can cancel another that is due at the same moment", async () => {
  const fired: string[] = [];
  const cancels: (() => void)[] = [];
  await new Promise<void>((resolve) => {
    for (const name of ["a", "b"]) {
      cancels.push(systemClock.timer(5, () => {
        fired.push(name);
        for (const cancel of cancels) cancel();
      }));
    }
    systemClock.timer(20, resolve);
  });
  assertEquals(fired, ["a"]);
});

Deno.test("timers keep working after all were cancelled, near and distant ones", async () => {
  for (const clock of [systemClock, serverClock]) {
    let fired = 0;
    for (const ms of [10, 60_000, 10, 60_000]) clock.timer(ms, () => fired++)();
    await new Promise<void>((resolve) => clock.timer(20, resolve));
    assertEquals(fired, 0);
  }
});

Deno.test("130,000 timers of different delays neither fail nor stop others", async () => {
  let fired = 0;
  const cancels = Array.from(
    { length: 130_000 },
    (_, i) => systemClock.timer(60_000 + i * 10, () => fired++),
  );
  for (let i = 0; i < 10; i++) {
    const timer = new Promise<void>((resolve) => systemClock.timer(5, resolve));
    await waitFor("a timer of 5 ms", timer);
  }
  for (const cancel of cancels) cancel();
  assertEquals(fired, 0);
});

Deno.test("a timer is at most 1 % late, or 5 ms", async () => {
  const fired: string[] = [];
  const start = performance.now();
  const timer = new Promise<void>((resolve) => systemClock.timer(1_000, resolve));
  // On a busy machine both are late, but in order. `now` may be 1 ms behind, and so may the runtime.
  const limit = setTimeout(() => fired.push("limit"), 1_012);
  await timer;
  clearTimeout(limit);
  assertEquals(fired, []);
  assert(performance.now() - start >= 1_000);
});
