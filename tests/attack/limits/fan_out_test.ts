import { assert, assertEquals } from "@std/assert";
import { runAlone } from "../../support/measure/alone.ts";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

for (const role of ["user", "developer"]) {
  Deno.test(`a vote of 60 on a chat of 31 MB does not copy the chat for each call: ${role}`, async () => {
    const { status, calls, grown } = await runAlone("attack/fan_out.ts", role);
    assertEquals(status, 200);
    assert(calls! >= 60, `${calls} calls`);
    assert(grown! < 1_500_000_000, `${grown} bytes`);
  });
}

Deno.test("a client cannot ask for more samples than server.max_samples", async () => {
  await using upstream = startUpstream([{ content: "FINAL: 4" }]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
server: { max_samples: 8 }
upstreams: { u: { base_url: UPSTREAM } }
models:
  m: { upstream: u, model: x }
  own: { upstream: u, model: x, strategy: vote, options: { wave: 10, max_samples: 10 } }
`,
  });
  for (
    const [strategy, option] of [
      ["vote", "wave"],
      ["vote", "max_samples"],
      ["rsa", "population"],
      ["moa", "proposers"],
      ["verify", "max_solvers"],
    ] as const
  ) {
    const reasoning = { strategy, [option]: 9 };
    const response = await app.chat({ model: "m", reasoning });
    assertEquals(response.status, 400, option);
    const { error } = await response.json();
    assertEquals(error.param, `reasoning.${option}`);
    assert(error.message.includes("at most 8 (server.max_samples)"), error.message);
    for (const value of [{ toString: 1 }, "9", [9]]) {
      const response = await app.chat({ model: "m", reasoning: { strategy, [option]: value } });
      assertEquals(response.status, 400, `${option}: ${JSON.stringify(value)}`);
      assertEquals((await response.json()).error.param, `reasoning.${option}`);
    }
  }
  assertEquals(upstream.calls.length, 0);
  // The operator's own options are not capped.
  assertEquals((await app.chat({ model: "own" })).status, 200);
});
