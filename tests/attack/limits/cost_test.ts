import { assert, assertEquals } from "@std/assert";
import { createCountingLimiter } from "../../server/limits/counting.ts";
import { createTestApp } from "../../support/app.ts";
import { fixedDateClock as clock } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";

const USAGE = { prompt_tokens: 9_000, completion_tokens: 32_000, total_tokens: 41_000 };

/** The cost of one answer in USD after the first of two upstreams has failed. */
async function costOfFallback(first: string, second: string): Promise<number | undefined> {
  await using failing = startUpstream([{ status: 500, body: "{}" }]);
  await using upstream = startUpstream([{ content: "4", usage: USAGE }]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
server: { max_retries: 0 }
upstreams:
  first: { base_url: "${failing.url}"${first} }
  second: { base_url: UPSTREAM${second} }
models: { m: { upstream: [first, second], model: x } }
`,
  });
  const response = await app.chat({ model: "m" });
  return (await response.json()).usage.upstream.cost;
}

Deno.test("a call costs the price of the upstream that answered", async () => {
  const cheap = ", price: { input: 0.001, output: 0.001 }";
  const dear = ", price: { input: 1, output: 10 }";
  assertEquals(await costOfFallback(cheap, dear), 0.329);
  assertEquals(await costOfFallback("", dear), 0.329);
  assertEquals(await costOfFallback(dear, ""), undefined);
});

/** Requests whose prompts have at least 25,000 tokens, of which few are the messages' texts. */
const PROMPTS = {
  tools: {
    messages: [{ role: "user", content: "Hi" }],
    tools: [{
      type: "function",
      function: { name: "lookup", description: "Long. ".repeat(20_000) },
    }],
  },
  images: {
    messages: [{
      role: "user",
      content: Array(60).fill({
        type: "image_url",
        image_url: { url: "data:image/png;base64,AAAA" },
      }),
    }],
  },
  file: {
    messages: [{
      role: "user",
      content: [{
        type: "file",
        file: { file_data: `data:text/plain;base64,${"TG9u".repeat(40_000)}` },
      }],
    }],
  },
  schema: {
    messages: [{ role: "user", content: "Hi" }],
    response_format: {
      type: "json_schema",
      json_schema: { name: "a", schema: { type: "object", description: "Long. ".repeat(20_000) } },
    },
  },
};

for (const [name, prompt] of Object.entries(PROMPTS)) {
  Deno.test(`a client that disconnects early pays for its prompt: ${name}`, async () => {
    const arrived = Promise.withResolvers<void>();
    await using upstream = startUpstream((call) => {
      arrived.resolve();
      return { content: "late", before: call.left };
    });
    const limiter = createCountingLimiter(clock.date);
    const app = await createTestApp({
      upstream: upstream.url,
      clock,
      limiter,
      yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
limits: { daily_tokens: 1000000000 }
`,
    });
    const charged = () => limiter.count("all:tokens:day:2026-01-31");
    const client = new AbortController();
    const pending = app.chat({ model: "m", ...prompt }, { signal: client.signal });
    await arrived.promise;
    assert(await charged() >= 25_000, "reserved");
    client.abort();
    await (await pending).text();
    await app.drain(1_000);
    assert(await charged() >= 20_000, "charged");
  });
}
