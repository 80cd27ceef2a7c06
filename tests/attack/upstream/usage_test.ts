import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

const YAML = `
upstreams: { u: { base_url: UPSTREAM, price: { input: 1, output: 1 } } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml({ alice: "daily_tokens: 50000000, daily_usd: 50" })}`;

/** Usage as an upstream writes it; JavaScript's JSON.stringify could not write all of it. */
const REPORTS = {
  "more tokens than there are": '{"prompt_tokens":9e15,"completion_tokens":5}',
  "a number that overflows": '{"prompt_tokens":10,"completion_tokens":1e400}',
  "a negative number": '{"prompt_tokens":-9e15,"completion_tokens":5}',
  "a fraction": '{"prompt_tokens":10.5,"completion_tokens":5}',
};

for (const [name, usage] of Object.entries(REPORTS)) {
  Deno.test(`an upstream's usage is estimated if it reports ${name}`, async () => {
    const choice = {
      index: 0,
      message: { role: "assistant", content: "4" },
      finish_reason: "stop",
    };
    const body = `{"object":"chat.completion","choices":[${
      JSON.stringify(choice)
    }],"usage":${usage}}`;
    await using upstream = startUpstream([{ body }]);
    const lines: string[] = [];
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML, lines });
    for (let i = 0; i < 2; i++) {
      const response = await app.chat({}, { headers: as("alice") });
      assertEquals(response.status, 200);
      const { usage } = await response.json();
      assert(usage.upstream.estimated);
      assertEquals([usage.prompt_tokens, usage.completion_tokens], [8, 1]);
    }
    await app.drain(1_000);
    assertEquals(lines.filter((line) => line.includes("cannot charge")), []);
  });
}

Deno.test("no part of an upstream's usage exceeds the whole", async () => {
  await using upstream = startUpstream([{
    content: "4",
    usage: {
      prompt_tokens: 10,
      prompt_tokens_details: { cached_tokens: 5_000 },
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 6 },
    },
  }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const { usage } = await (await app.chat({}, { headers: as("alice") })).json();
  assertEquals(usage.prompt_tokens_details.cached_tokens, 10);
  assertEquals(usage.completion_tokens_details.reasoning_tokens, 5);
  assertEquals(usage.upstream.cost, 0.000015);
});
