import { assert, assertEquals } from "@std/assert";
import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { pricedModel } from "../../lib/eval/cost.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";

for (const [name, { label, typicalCalls = 1 }] of Object.entries(strategies)) {
  Deno.test(`the typical number of calls of ${name} is within the range of its label`, () => {
    const numbers = label.calls.match(/\d+/g)?.map(Number) ?? [1, Infinity];
    assert(
      Math.min(...numbers) <= typicalCalls && typicalCalls <= Math.max(...numbers),
      `The \`typicalCalls\` of '${name}' are ${typicalCalls}, but its label says ${label.calls}.`,
    );
  });
}

Deno.test("the estimate assumes the typical calls of a strategy, including one from a file", async () => {
  const yaml = `
upstreams: { u: { base_url: "http://localhost:9999/v1", price: { input: 1, output: 2 } } }
models:
  vote: { strategy: vote, upstream: u, model: m }
  plain: { upstream: u, model: m }
`;
  const env = () => undefined;
  const readFile = () => Promise.reject(new Error("no file"));
  const config = resolveConfig(await parseConfig(yaml, { file: "config.yaml", env, readFile }), {
    env,
  });
  const callsWith = (table: typeof strategies) =>
    config.models.map(({ reasoning }) => pricedModel(reasoning, table)?.calls);
  const { vote } = strategies;
  assertEquals(callsWith(strategies), [vote!.typicalCalls, 1]);
  assertEquals(callsWith({ ...strategies, vote: { ...vote!, typicalCalls: 3.5 } }), [3.5, 1]);
});
