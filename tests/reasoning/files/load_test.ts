import { assertEquals, assertRejects } from "@std/assert";
import { loadStrategy, StrategyFileError } from "../../../lib/reasoning/files/load.ts";

Deno.test("a file whose top-level await does not end in time is refused", async () => {
  const released = Promise.withResolvers<void>();
  Object.assign(globalThis, { released: released.promise });
  const file = { path: "./mine.js", code: "await globalThis.released;" };
  const error = await assertRejects(() => loadStrategy(file, 5), StrategyFileError);
  assertEquals(error.message, "did not load in 0.005 s");
  released.resolve();
});
