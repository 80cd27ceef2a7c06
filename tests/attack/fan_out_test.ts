import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";

const MB = 1_048_576;

/** A chat of nearly the largest body. */
const chat = (options: object, last: string) =>
  JSON.stringify({
    model: "m",
    messages: [{ role: "user", content: "x".repeat(31 * 1_000_000) }, { role: last, content: "?" }],
    reasoning: options,
  });

for (const role of ["user", "developer"]) {
  Deno.test(`a vote of 60 on a chat of 31 MB does not copy the chat for each call: ${role}`, async () => {
    let calls = 0;
    await using upstream = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        const call = ++calls;
        for await (const _ of request.body!);
        return Response.json({
          choices: [{ message: { content: `${call}` }, finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 1 },
        });
      },
    );
    const app = await createTestApp({
      upstream: `http://127.0.0.1:${upstream.addr.port}/v1`,
      yaml: `
server: { max_samples: 60 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { strategy: vote, upstream: u, model: x, caps: { calls: 200 } } }
`,
    });
    const body = chat({ strategy: "vote", wave: 60, max_samples: 60 }, role);
    const before = Deno.memoryUsage().rss;
    let peak = 0;
    const watch = setInterval(() => peak = Math.max(peak, Deno.memoryUsage().rss), 10);
    const response = await app.send("/v1/chat/completions", body);
    clearInterval(watch);
    assertEquals(response.status, 200);
    await response.body?.cancel();
    assert(calls >= 60, `${calls} calls`);
    assert(peak - before < 1_500 * MB, `${Math.round((peak - before) / MB)} MB`);
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
