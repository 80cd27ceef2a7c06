import { assertEquals, assertStringIncludes } from "@std/assert";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp, readStream } from "../../support/app.ts";
import { createFakeClock, type FakeClock } from "../../support/clock.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { sha256 } from "../../support/sha256.ts";
import { startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";

const DAY = 86_400_000;

/** A server with the keys of alice, who has budgets, and bob. Prices: $1 and $2 per 1,000 tokens. */
async function setUp(
  { time = createFakeClock(), store = createMemoryStore({ now: time.clock.date }), script }: {
    time?: FakeClock;
    store?: Store;
    script?: Parameters<typeof startUpstream>[0];
  } = {},
) {
  const upstream = startUpstream(script ?? [{ content: "Hi" }]);
  const lines: string[] = [];
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    store,
    limiter: createMemoryLimiter({ now: time.clock.date }),
    lines,
    yaml: `
upstreams:
  u: { base_url: UPSTREAM, price: { input: 1000, output: 2000 }, retry: { max_attempts: 1 } }
  free: { base_url: UPSTREAM }
models:
  m: { upstream: u, model: x }
  free: { upstream: free, model: x }
limits: { daily_tokens: 1000 }
${await keysYaml({ alice: "models: [m], daily_usd: 5, monthly_tokens: 100" })}`,
  });
  const headersOf = (name?: ClientName) => name === undefined ? {} : { headers: as(name) };
  return {
    app,
    time,
    store,
    lines,
    async ask(model: string, name?: ClientName) {
      await (await app.chat({ model }, headersOf(name))).text();
    },
    async usage(name?: ClientName, query = "") {
      return await (await app.send(`/v1/usage${query}`, undefined, headersOf(name))).json();
    },
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

const ONE = { requests: 1, input_tokens: 10, cached_tokens: 0, output_tokens: 5 };
const TWO = { requests: 2, input_tokens: 20, cached_tokens: 0, output_tokens: 10 };

Deno.test("usage is added up by key, model and day; the admin sees all keys, and a key only itself", async () => {
  await using setup = await setUp();
  await setup.ask("m", "alice");
  await setup.ask("m", "alice");
  await setup.ask("free", "bob");
  await setup.ask("free");
  await setup.time.advance(DAY);
  await setup.ask("m", "alice");

  const first = "2026-01-01";
  const second = "2026-01-02";
  const ofAlice = [
    { day: first, key: "alice", model: "m", ...TWO, cost: 0.04 },
    { day: second, key: "alice", model: "m", ...ONE, cost: 0.02 },
  ];
  const all = await setup.usage();
  assertEquals([all.object, all.start_date, all.end_date], ["list", "2025-12-04", second]);
  assertEquals(all.data, [
    ofAlice[0],
    { day: first, key: "bob", model: "free", ...ONE },
    { day: first, key: "default", model: "free", ...ONE },
    ofAlice[1],
  ]);
  assertEquals((await setup.usage("alice")).data, ofAlice);
  assertEquals((await setup.usage("alice", `?start_date=${second}`)).data, [ofAlice[1]]);
  assertEquals((await setup.usage(undefined, `?end_date=${first}`)).data.length, 3);
});

Deno.test("the admin sees what is left of all budgets, and a key only of its own", async () => {
  await using setup = await setUp();
  await setup.ask("m", "alice");
  const own = [
    {
      key: "alice",
      measure: "usd",
      per: "day",
      limit: 5,
      remaining: 4.98,
      resets_at: "2026-01-02T00:00:00.000Z",
    },
    {
      key: "alice",
      measure: "tokens",
      per: "month",
      limit: 100,
      remaining: 85,
      resets_at: "2026-02-01T00:00:00.000Z",
    },
  ];
  const byMeasure = (a: { measure: string }, b: { measure: string }) =>
    b.measure.localeCompare(a.measure);
  assertEquals((await setup.usage("alice")).budgets.toSorted(byMeasure), own);
  assertEquals((await setup.usage("bob")).budgets, []);
  const { budgets } = await setup.usage();
  assertEquals(budgets.length, 3);
  assertEquals(budgets.at(-1), {
    key: null,
    measure: "tokens",
    per: "day",
    limit: 1000,
    remaining: 985,
    resets_at: "2026-01-02T00:00:00.000Z",
  });
});

for (
  const [query, param] of [
    ["start_date=yesterday", "start_date"],
    ["end_date=2026-02-30", "end_date"],
    ["start_date=2026-01-02&end_date=2026-01-01", "start_date"],
    ["start_date=2020-01-01", "start_date"],
  ] as const
) {
  Deno.test(`GET /usage?${query} gets 400`, async () => {
    await using setup = await setUp();
    const response = await setup.app.send(`/v1/usage?${query}`);
    assertEquals([response.status, (await response.json()).error.param], [400, param]);
  });
}

Deno.test("failed requests count too, and rejected ones do not", async () => {
  await using setup = await setUp({ script: [{ status: 500, body: "{}" }] });
  await setup.ask("m", "alice");
  await setup.ask("unknown", "alice");
  const [row] = (await setup.usage("alice")).data;
  assertEquals([row.requests, row.output_tokens], [1, 0]);
});

Deno.test("servers with one store add to the same usage", async () => {
  const time = createFakeClock();
  const store = { ...createMemoryStore({ now: time.clock.date }), kind: "redis" } as const;
  await using a = await setUp({ time, store });
  await using b = await setUp({ time, store });
  await Promise.all([a.ask("m", "bob"), b.ask("m", "bob"), b.ask("free", "bob")]);
  // Both write after a second, and one of them must read the other's entry again.
  await time.advance(2_000);
  await waitUntil("both writes", async () => (await a.usage("bob")).data.length === 2);
  const expected = [
    { day: "2026-01-01", key: "bob", model: "m", ...TWO, cost: 0.04 },
    { day: "2026-01-01", key: "bob", model: "free", ...ONE },
  ];
  const byModel = (x: { model: string }, y: { model: string }) => y.model.localeCompare(x.model);
  assertEquals((await a.usage("bob")).data.toSorted(byModel), expected);
  assertEquals((await b.usage("bob")).data.toSorted(byModel), expected);
});

Deno.test("usage outlives the server", async () => {
  await using a = await setUp();
  await a.ask("m", "bob");
  await a.app.drain(0);
  await using b = await setUp({ time: a.time, store: a.store });
  assertEquals((await b.usage("bob")).data[0].requests, 1);
});

Deno.test("usage that can't be stored is stored later", async () => {
  const time = createFakeClock();
  const memory = createMemoryStore({ now: time.clock.date });
  let fails = true;
  const store = {
    ...memory,
    write: (...args: Parameters<typeof memory.write>) =>
      fails ? Promise.reject(new Error("full")) : memory.write(...args),
  };
  await using setup = await setUp({ time, store });
  await setup.ask("m", "bob");
  assertEquals((await setup.usage("bob")).data, []);
  assertStringIncludes(setup.lines.join("\n"), "Usage can't be stored");
  fails = false;
  assertEquals((await setup.usage("bob")).data[0].requests, 1);
});

Deno.test("metrics have the usage of each client", async () => {
  await using setup = await setUp();
  await setup.ask("m", "alice");
  await setup.ask("free");
  const text = await (await setup.app.send("/metrics")).text();
  for (
    const line of [
      'o1_api_client_requests_total{client="alice",gen_ai_request_model="m"} 1',
      'o1_api_client_requests_total{client="default",gen_ai_request_model="free"} 1',
      'o1_api_client_tokens_total{client="alice",gen_ai_request_model="m",gen_ai_token_type="output"} 5',
      'o1_api_client_cost_usd_total{client="alice",gen_ai_request_model="m"} 0.02',
    ]
  ) {
    assertStringIncludes(text, line);
  }
});

Deno.test('clients after the first 100 share the label "other" in metrics', async () => {
  await using upstream = startUpstream([{ content: "Hi" }]);
  const tokens = Array.from({ length: 102 }, (_, i) => `sk-o1-client${i}-secret`);
  const entries = await Promise.all(
    tokens.map(async (token, i) => `  - { name: c${i}, sha256: ${await sha256(token)} }\n`),
  );
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `default_api_url: UPSTREAM\ndefault_model: x\nkeys:\n${entries.join("")}`,
  });
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` };
    await (await app.chat({ model: "x" }, { headers })).text();
  }
  const text = await (await app.send("/metrics")).text();
  const series = text.match(/^o1_api_client_requests_total\{.*$/gm)!;
  assertEquals(series.length, 101);
  assertEquals(
    series.at(-1),
    'o1_api_client_requests_total{client="other",gen_ai_request_model="x"} 2',
  );
});

Deno.test("the log line of a cancelled stream contains its usage", async () => {
  await using setup = await setUp({
    script: [{
      content: ["Hi ", "there"],
      gate: (frame) => frame === 2 ? new Promise(() => {}) : undefined,
    }],
  });
  const stream = readStream(await setup.app.chat({ model: "m", stream: true }));
  await stream.until(({ content }) => content !== "");
  await stream.cancel();
  await waitUntil("the line", () => setup.lines.length > 0);
  const { outcome, cost, calls, completion_tokens: tokens } = JSON.parse(setup.lines[0]!);
  assertEquals([outcome, calls], ["cancelled", 1]);
  assertEquals([cost > 0, tokens > 0], [true, true]);
});

Deno.test("the log line of a stream contains its cost, even if it fails", async () => {
  await using setup = await setUp({
    script: [{ content: "Hi" }, { content: "Hi", end: "cut" }],
  });
  await (await setup.app.chat({ model: "m", stream: true })).text();
  await (await setup.app.chat({ model: "m", stream: true })).text().catch(() => "");
  const costs = setup.lines.map((line) => JSON.parse(line))
    .filter(({ message }) => message.startsWith("POST")).map(({ cost }) => cost);
  assertEquals(costs.length, 2);
  assertEquals(costs[0], 0.02);
  assertEquals(costs[1] > 0, true);
});
