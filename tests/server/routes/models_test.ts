import { assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { sha256 } from "../../support/sha256.ts";

const NARROW = "key-narrow-4711";

const YAML = `
upstreams: { hidden-upstream: { base_url: "http://127.0.0.1:4711/v1", api_key: hidden-key } }
server: { max_samples: 6 }
tools: { fetch: { allow_hosts: [example.com] } }
models:
  steps: { strategy: steps, model: hidden-model, options: { min_steps: 1 }, tools: [code, fetch] }
  vote: { strategy: vote, model: hidden-model, modifiers: { re2: true } }
keys:
  - { name: narrow, sha256: ${await sha256(NARROW)}, models: [steps], tools: [fetch] }
`;

interface Listed {
  id: string;
  options: Record<string, unknown>;
  tools: string[];
}

async function listFor(key: string) {
  const app = await createTestApp({ upstream: "", yaml: YAML });
  const headers = { authorization: `Bearer ${key}` };
  const text = await (await app.send("/v1/models", undefined, { headers })).text();
  assertEquals(/hidden|127\.0|4711/.test(text), false, text);
  return JSON.parse(text);
}

Deno.test("a model is listed with its options and the tools that the key may use", async () => {
  const facts = (data: Listed[]) => data.map(({ id, options, tools }) => ({ id, options, tools }));
  assertEquals(facts((await listFor(TOKEN)).data), [
    { id: "steps", options: { min_steps: 1, re2: false }, tools: ["code", "fetch"] },
    {
      id: "vote",
      options: { wave: 4, temperature: 0.7, finalize: "winner", re2: true },
      tools: [],
    },
  ]);
  assertEquals(facts((await listFor(NARROW)).data), [
    { id: "steps", options: { min_steps: 1, re2: false }, tools: ["fetch"] },
  ]);
});

Deno.test("a strategy is listed with the fields that a request can set, and their bounds", async () => {
  const { strategies } = await listFor(NARROW);
  const fields = Object.fromEntries(
    strategies.map((strategy: { name: string; options: unknown }) => [
      strategy.name,
      strategy.options,
    ]),
  );
  const { description: _, ...maxSamples } = fields.vote.max_samples;
  assertEquals(maxSamples, { type: "integer", minimum: 1, maximum: 6 });
  assertEquals(fields.vote.finalize.enum, ["winner", "synthesize"]);
  assertEquals(fields.vote.temperature.default, 0.7);
  assertEquals(fields.vote.re2.type, "boolean");
  // Fields that the strategy would reject are not offered.
  assertEquals(["wait" in fields.vote, "wait" in fields.think, "wait" in fields.auto], [
    false,
    true,
    true,
  ]);
  assertEquals(fields.direct, {});
});

Deno.test("every listed field is accepted with its default and at its bounds", async () => {
  const { strategies } = await listFor(TOKEN);
  const app = await createTestApp({
    upstream: "demo:",
    yaml: 'upstreams: { demo: { base_url: "demo:" } }',
  });
  let tried = 0;
  for (const { name: strategy, options } of strategies) {
    for (
      const [field, { default: byDefault, minimum, maximum, enum: choices }] of Object.entries<
        Record<string, unknown>
      >(options)
    ) {
      for (const value of new Set([byDefault, minimum, maximum, ...(choices as string[] ?? [])])) {
        if (value === undefined) continue;
        const response = await app.chat({
          model: "o1",
          messages: [{ role: "user", content: "What is 2 + 2?" }],
          reasoning: { strategy, [field]: value },
        });
        const body = await response.json();
        const names = `${strategy}.${field}: ${value}: ${JSON.stringify(body.error)}`;
        assertEquals(response.status, 200, names);
        tried++;
      }
    }
  }
  assertEquals(tried > 30, true);
});
