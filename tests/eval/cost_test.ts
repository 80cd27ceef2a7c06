import { assertEquals } from "@std/assert";
import { TYPICAL_CALLS } from "../../lib/eval/cost.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";

Deno.test("the calls of every strategy are known to the estimate", () => {
  assertEquals(Object.keys(TYPICAL_CALLS).sort(), Object.keys(strategies).sort());
});
