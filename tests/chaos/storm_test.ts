import { assert, assertEquals } from "@std/assert";
import { runGc } from "./gc.ts";
import { startStorm } from "./storm.ts";

Deno.test("1,000 requests with mixed faults all end as expected", async () => {
  await using storm = await startStorm();
  assertEquals(await storm.run(1_000, 4711), []);
  await storm.settle();
});

Deno.test("faults do not make the memory grow", async () => {
  const [first, ...later] = await runGc("storm");
  for (const { failures } of [first, ...later]) assertEquals(failures, []);
  const growth = later.at(-1).heap - first.heap;
  assert(growth < 10_000_000, `the heap grew by ${growth} bytes`);
});
