import { assert, assertEquals } from "@std/assert";
import { runGc } from "./gc.ts";
import { startStorm } from "./storm.ts";

Deno.test("1,000 requests under a mix of faults end each as its fault says", async () => {
  await using storm = await startStorm();
  assertEquals(await storm.run(1_000, 4711), []);
  await storm.settle();
});

Deno.test("memory returns to where it was after a storm of faults", async () => {
  const [first, ...later] = await runGc("storm");
  for (const each of [first, ...later]) assertEquals(each.failures, []);
  const rise = later.at(-1).heap - first.heap;
  assert(rise < 10_000_000, `the heap rose by ${rise} bytes`);
});
