import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { serverClock, systemClock } from "../lib/clock.ts";

Deno.test("each timer fires once, in its time and order, unless it was cancelled before", async () => {
  const timers = fc.array(
    fc.record({ ms: fc.integer({ min: 0, max: 25 }), cancelled: fc.boolean() }),
    { minLength: 1, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(timers, async (asked) => {
      const fired: { index: number; after: number }[] = [];
      const start = performance.now();
      const cancels = asked.map(({ ms }, index) =>
        systemClock.timer(ms, () => fired.push({ index, after: performance.now() - start }))
      );
      asked.forEach(({ cancelled }, i) => cancelled && cancels[i]!());
      await new Promise<void>((resolve) => systemClock.timer(26, resolve));
      // What has fired, or was cancelled, is not cancelled again.
      for (const cancel of cancels) cancel();
      const expected = asked.flatMap(({ cancelled }, index) => cancelled ? [] : [index]);
      assertEquals(fired.map(({ index }) => index).sort((a, b) => a - b), expected);
      for (const { index, after } of fired) assert(after >= asked[index]!.ms, `${after} ms`);
      for (const [i, { after }] of fired.entries()) assert(after >= (fired[i - 1]?.after ?? 0));
    }),
    { numRuns: 10 },
  );
});

Deno.test("the clock never goes back, and is one millisecond behind the runtime's at most", () => {
  const end = performance.now() + 20;
  for (let last = 0, before = performance.now(); before < end; before = performance.now()) {
    const seen = systemClock.now();
    assert(seen >= last, `${seen} after ${last}`);
    // The system's two clocks may run apart by a thousandth.
    assert(seen >= before - 1.001 && seen <= performance.now(), `${seen} at ${before}`);
    last = seen;
  }
});

Deno.test("a timer that cancels another of the same moment is obeyed", async () => {
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

Deno.test("a server's timers go on working after all were cancelled, soon ones and late ones", async () => {
  let fired = 0;
  for (const ms of [10, 60_000, 10, 60_000]) {
    serverClock.timer(ms, () => fired++)();
  }
  await new Promise<void>((resolve) => serverClock.timer(20, resolve));
  // The runtime's timer that was left from the first must not outlive this test.
  await new Promise<void>((resolve) => serverClock.timer(45, resolve));
  assertEquals(fired, 0);
});
