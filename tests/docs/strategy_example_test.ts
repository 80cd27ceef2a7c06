/** The example of a strategy file, and the test that is documented beside it. */
import { assertEquals } from "@std/assert";
import secondLook from "../../docs/strategies/second_look.ts";
import "../../docs/strategies/second_look_test.ts";
import { strategyApi, type StrategyFactory } from "../../lib/reasoning/files/api.ts";

Deno.test("the example of a strategy file has the documented type", () => {
  const create: StrategyFactory = secondLook;
  assertEquals(create(strategyApi).roles, ["sample", "answer"]);
});
