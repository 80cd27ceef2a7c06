/** The example of a strategy file, and the test that is documented beside it. */
import { assertEquals } from "@std/assert";
import secondLook from "../../docs/strategies/second_look.ts";
import "../../docs/strategies/second_look_test.ts";
import { strategyApi, type StrategyFactory } from "../../lib/reasoning/files/api.ts";
import { createTestApp } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";

Deno.test("the example of a strategy file has the documented type", () => {
  const create: StrategyFactory = secondLook;
  assertEquals(create(strategyApi).roles, ["sample", "answer"]);
});

Deno.test("the example answers in one call if the limit does not pay for two samples", async () => {
  await using upstream = startUpstream(() => ({ content: "FINAL: 4" }));
  const yaml = `
upstreams: { s: { base_url: UPSTREAM, use_n: false } }
strategies: { second_look: ./second_look.ts }
models: { careful: { strategy: second_look, upstream: s, model: m } }
`;
  const code = await Deno.readTextFile("docs/strategies/second_look.ts");
  const files = { "/etc/o1/second_look.ts": code };
  const { chat } = await createTestApp({ upstream: upstream.url, yaml, files });
  const callsAt = async (limit: number) => {
    const before = upstream.calls.length;
    assertEquals((await chat({ model: "careful", max_completion_tokens: limit })).status, 200);
    return upstream.calls.length - before;
  };
  assertEquals([await callsAt(1_500), await callsAt(3_000)], [1, 2]);
});
