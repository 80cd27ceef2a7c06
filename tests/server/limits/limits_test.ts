import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { type Store, StoreError } from "../../../lib/store/store.ts";
import { createTestApp, readStream } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { sha256 } from "../../support/sha256.ts";
import { type Reply, startUpstream, step } from "../../support/upstream.ts";
import { createCountingLimiter } from "./counting.ts";
import { waitUntil } from "../../support/wait.ts";

const KEY = "sk-o1-alice00001-secret-of-alice";
const OTHER = "sk-o1-bob0000001-secret-of-bob";

/** The headers of a page that uses a key. */
const bearer = (key: string) => ({
  headers: { authorization: `Bearer ${key}`, origin: "https://chat.example" },
});

interface SetupOptions {
  /** Limits of alice's key, in YAML. */
  key?: string;
  /** Limits of all clients together, in YAML. */
  all?: string;
  /** Replies of the upstream. Default: 10 prompt tokens and 5 generated tokens. */
  script?: Parameters<typeof startUpstream>[0];
  /** Default: in memory. */
  store?: Store;
}

/** An app with a limited key, alice, and one without limits, bob. Prices: $1 and $2 per 1,000 tokens. */
async function setUp(
  { key = "", all = "", script = [{ content: "Hi" }], store }: SetupOptions = {},
) {
  const upstream = startUpstream(script);
  const time = createFakeClock();
  const limiter = createCountingLimiter(time.clock.date);
  const lines: string[] = [];
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    limiter,
    lines,
    ...store && { store },
    yaml: `
server: { max_retries: 0, request_timeout_ms: 86400000 }
upstreams:
  u:
    base_url: UPSTREAM
    price: { input: 1000, output: 2000 }
    timeouts: { headers_ms: 86400000, first_token_ms: 86400000, idle_ms: 86400000, total_ms: 86400000 }
models: { m: { upstream: u, model: x }, thinker: { upstream: u, model: x, strategy: steps } }
limits: { ${all} }
keys:
  - { name: alice, id: alice00001, sha256: ${await sha256(KEY)}, ${key} }
  - { name: bob, sha256: ${await sha256(OTHER)} }
`,
  });
  const count = (name: string) => limiter.count(name);
  return {
    app,
    time,
    upstream,
    limiter,
    lines,
    count,
    /** Units charged to each limit. */
    counts: () => Promise.all(limiter.keys().map(async (key) => [key, await count(key)] as const)),
    /** Sends a request and reads the whole response. */
    async ask(body: Record<string, unknown> = {}, token = KEY) {
      const response = await app.chat(body, bearer(token));
      const text = await response.text();
      return { status: response.status, headers: response.headers, text };
    },
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

const errorOf = ({ text }: { text: string }) => JSON.parse(text).error;

interface Rejection {
  limit: string;
  /** Number of requests that pass; each uses 10 + 5 tokens, $0.02. */
  passes: number;
  body?: Record<string, unknown>;
  type: string;
  code: string;
  message: string;
  /** Delay after which the next request passes. */
  waitMs: number;
}

const DAY = 86_400_000;
const QUOTA = "You exceeded your current quota, please check your plan and billing details. ";

const REJECTIONS: Rejection[] = [
  {
    limit: "rpm: 3",
    passes: 3,
    type: "requests",
    code: "rate_limit_exceeded",
    message: "on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
    waitMs: 20_000,
  },
  {
    limit: "tpm: 40",
    passes: 2,
    type: "tokens",
    code: "rate_limit_exceeded",
    message: "on tokens per min (TPM): Limit 40, Used 30, Requested 13. Please try again in 4.5s.",
    waitMs: 4_500,
  },
  {
    limit: "daily_tokens: 40",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      `${QUOTA}The limit of SCOPE is 40 tokens per day; the next day begins on 2026-01-02 (UTC).`,
    waitMs: DAY,
  },
  {
    limit: "monthly_tokens: 40",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      `${QUOTA}The limit of SCOPE is 40 tokens per month; the next month begins on 2026-02-01 (UTC).`,
    waitMs: 31 * DAY,
  },
  {
    limit: "daily_usd: 0.05",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      `${QUOTA}The limit of SCOPE is $0.05 per day; the next day begins on 2026-01-02 (UTC).`,
    waitMs: DAY,
  },
  {
    limit: "monthly_usd: 0.05",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      `${QUOTA}The limit of SCOPE is $0.05 per month; the next month begins on 2026-02-01 (UTC).`,
    waitMs: 31 * DAY,
  },
];

for (const { limit, passes, type, code, message, waitMs } of REJECTIONS) {
  for (const scope of ["key", "all"] as const) {
    Deno.test(`${limit} of ${scope}: ${passes} requests pass, the next is rejected`, async () => {
      await using setup = await setUp({ [scope]: limit });
      for (let i = 0; i < passes; i++) assertEquals((await setup.ask()).status, 200);
      const before = setup.upstream.calls.length;
      const counts = await setup.counts();
      const rejected = await setup.ask();
      assertEquals(rejected.status, 429);
      assertEquals(setup.upstream.calls.length, before, "the upstream receives no request");
      assertEquals(await setup.counts(), counts);
      const error = errorOf(rejected);
      assertEquals([error.type, error.code, error.param], [type, code, null]);
      const scopeText = scope === "key" ? "project alice" : "organization o1-api";
      assertStringIncludes(error.message, message.replace("SCOPE", scopeText));
      assertStringIncludes(error.message, scopeText);
      assertEquals(rejected.headers.get("retry-after"), String(Math.ceil(waitMs / 1000)));
      assertEquals(rejected.headers.get("retry-after-ms"), String(waitMs));
      const isQuota = code === "insufficient_quota";
      assertEquals(rejected.headers.get("x-should-retry"), isQuota ? "false" : null);
      if (scope === "key") assertEquals((await setup.ask({}, OTHER)).status, 200);
      await setup.time.advance(waitMs - 1);
      assertEquals((await setup.ask()).status, 429);
      await setup.time.advance(1);
      assertEquals((await setup.ask()).status, 200);
    });
  }
}

Deno.test("both keys of a client share its limits", async () => {
  await using upstream = startUpstream([{ content: "Hi" }]);
  const time = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    limiter: createCountingLimiter(time.clock.date),
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
keys:
  - { name: alice, sha256: ${await sha256(KEY)}, rpm: 2 }
  - { name: alice, sha256: ${await sha256(OTHER)}, rpm: 2 }
`,
  });
  const statuses = [];
  for (const token of [KEY, OTHER, KEY]) {
    const response = await app.chat({}, { headers: { authorization: `Bearer ${token}` } });
    statuses.push(response.status);
    await response.body?.cancel();
  }
  assertEquals(statuses, [200, 200, 429]);
});

const LIMIT_HEADERS = ["limit", "remaining", "reset"].flatMap((field) =>
  ["requests", "tokens"].map((measure) => `x-ratelimit-${field}-${measure}`)
);
const limitHeaders = (headers: Headers) => LIMIT_HEADERS.map((name) => headers.get(name));
const NO_LIMITS = LIMIT_HEADERS.map(() => null);

Deno.test("every response to a limited client contains its limits", async () => {
  await using setup = await setUp({ key: "rpm: 10, tpm: 1000" });
  // 8 prompt tokens, and an eighth of the limit for generated tokens.
  const expected = ["10", "1000", "9", "867", "6s", "7.98s"];
  assertEquals(limitHeaders((await setup.ask()).headers), expected);
  const used = ["10", "1000", "9", "985", "6s", "900ms"];
  const models = await setup.app.send("/v1/models", undefined, bearer(KEY));
  assertEquals(limitHeaders(models.headers), used, "settled; a list costs nothing");
  const wrong = await setup.ask({ messages: [] });
  assertEquals([wrong.status, ...limitHeaders(wrong.headers)], [400, ...used]);
  const unknown = await setup.ask({ model: "gpt-9" });
  assertEquals([unknown.status, ...limitHeaders(unknown.headers)], [404, ...used]);
  await setup.time.advance(30_000);
  const stream = await setup.ask({ stream: true });
  assertEquals(limitHeaders(stream.headers), expected, "fully refilled");
  for (let i = 0; i < 9; i++) await setup.ask();
  const rejected = await setup.ask();
  assertEquals(rejected.status, 429);
  assertEquals(limitHeaders(rejected.headers), ["10", "1000", "0", "850", "1m0s", "9s"]);
  assertEquals(rejected.headers.get("retry-after"), "6");
  for (const { headers } of [models, rejected]) {
    assertStringIncludes(
      headers.get("access-control-expose-headers")!,
      "x-ratelimit-remaining-requests",
    );
  }
});

Deno.test("of two request limits the headers show the one that has less left", async () => {
  await using setup = await setUp({ key: "rpm: 10", all: "rpm: 3, tpm: 5000" });
  const [limit, tokens, remaining] = limitHeaders((await setup.ask()).headers);
  assertEquals([limit, tokens, remaining], ["3", "5000", "2"]);
});

Deno.test("a client without limits receives no limit headers and is not counted", async () => {
  await using setup = await setUp({ key: "rpm: 1" });
  for (let i = 0; i < 3; i++) {
    const { status, headers } = await setup.ask({}, OTHER);
    assertEquals([status, ...limitHeaders(headers)], [200, ...NO_LIMITS]);
  }
  const anonymous = await setup.app.handle(new Request("http://localhost/healthz"));
  assertEquals(limitHeaders(anonymous.headers), NO_LIMITS);
  await anonymous.body?.cancel();
  assertEquals(limitHeaders((await setup.ask({}, "wrong")).headers), NO_LIMITS);
  assertEquals(setup.limiter.calls, 0);
});

Deno.test("parallel: a second request is rejected for as long as the first runs", async () => {
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp({
    key: "parallel: 1",
    script: (call) => ({
      content: ["a", "b"],
      ...(call.index === 0 ? { gate: (frame) => frame === 2 ? gate.promise : undefined } : {}),
    }),
  });
  const stream = readStream(await setup.app.chat({ stream: true }, bearer(KEY)));
  await stream.until(({ content }) => content === "a");
  const rejected = await setup.ask();
  assertEquals([rejected.status, rejected.headers.get("retry-after")], [429, "1"]);
  assertEquals(errorOf(rejected).code, "rate_limit_exceeded");
  assertStringIncludes(
    errorOf(rejected).message,
    "Rate limit reached in project alice on requests at a time: Limit 1, Used 1, Requested 1.",
  );
  // A lease lives for a minute, and is renewed until its request ends.
  await setup.time.advance(10 * 60_000);
  assertEquals((await setup.ask()).status, 429);
  assertEquals((await setup.ask({}, OTHER)).status, 200);
  gate.resolve();
  await stream.until(({ done }) => done);
  const name = "client:alice:parallel:moment";
  await waitUntil("the lease to end", async () => await setup.count(name) === 0);
  const { calls } = setup.limiter;
  await setup.time.advance(10 * 60_000);
  assertEquals(setup.limiter.calls, calls, "no lease is renewed");
  await setup.app.drain(0);
  assertEquals(setup.time.pending(), 0);
});

Deno.test("parallel: a request that ends does not end the leases of others", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using setup = await setUp({
    key: "parallel: 2",
    script: ({ index }) => ({
      content: ["a", "b"],
      gate: (frame) => frame === 2 ? gates[index]!.promise : undefined,
    }),
  });
  const streams = [];
  for (const _ of gates) {
    const stream = readStream(await setup.app.chat({ stream: true }, bearer(KEY)));
    await stream.until(({ content }) => content === "a");
    streams.push(stream);
  }
  gates[0]!.resolve();
  await streams[0]!.until(({ done }) => done);
  const name = "client:alice:parallel:moment";
  await waitUntil("the first lease to end", async () => await setup.count(name) === 1);
  await setup.time.advance(10 * 60_000);
  assertEquals(await setup.count(name), 1);
  gates[1]!.resolve();
  await streams[1]!.until(({ done }) => done);
  await setup.app.drain(0);
  assertEquals(await setup.count(name), 0);
});

Deno.test("a shutdown waits until every request is charged", async () => {
  await using setup = await setUp({ key: "tpm: 100000" });
  const settling = Promise.withResolvers<void>();
  const settled = Promise.withResolvers<void>();
  const { settle } = setup.limiter;
  setup.limiter.settle = async (...charges) => {
    settling.resolve();
    await settled.promise;
    await settle(...charges);
  };
  assertEquals((await setup.ask()).status, 200);
  await settling.promise;
  let isDrained = false;
  const drained = setup.app.drain(0).then(() => isDrained = true);
  for (let i = 0; i < 10; i++) await setImmediate();
  assertEquals(isDrained, false);
  settled.resolve();
  await drained;
  assertEquals(await setup.count("client:alice:tokens:minute"), 15);
});

Deno.test("a background response counts until it is completed", async () => {
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp({
    key: "parallel: 1, daily_tokens: 1000",
    script: [{ content: "Hi", gate: () => gate.promise }],
  });
  const body = { model: "m", input: "Hello", background: true };
  const created = await setup.app.send("/v1/responses", body, bearer(KEY));
  const { id } = await created.json();
  assertEquals((await setup.ask()).status, 429);
  gate.resolve();
  for (let status = ""; status !== "completed";) {
    ({ status } = await (await setup.app.send(`/v1/responses/${id}`, undefined, bearer(KEY)))
      .json());
    await setImmediate();
  }
  await waitUntil("its place", async () => (await setup.ask()).status === 200);
  await setup.app.drain(0);
  assertEquals(await setup.count("client:alice:tokens:day:2026-01-01"), 30);
});

Deno.test("a request that uses more than it reserved is not cut off", async () => {
  const usage = { prompt_tokens: 500, completion_tokens: 400, total_tokens: 900 };
  await using setup = await setUp({ key: "tpm: 100", script: [{ content: "Hi", usage }] });
  assertEquals((await setup.ask()).status, 200);
  await setup.app.drain(0);
  assertEquals(await setup.count("client:alice:tokens:minute"), 900);
});

for (
  const [name, limits, body, remaining] of [
    ["a response of unknown length", "tpm: 100000", {}, 100_000 - 10 - 4_096],
    ["a maximum", "tpm: 100000", { max_completion_tokens: 50 }, 100_000 - 10 - 50],
    ["a high maximum", "tpm: 100000", { max_tokens: 90_000 }, 100_000 - 10 - 12_500],
    ["two choices", "tpm: 100000", { n: 2 }, 100_000 - 2 * 10 - 2 * 4_096],
    ["a small limit", "tpm: 5", {}, 0],
    ["a long prompt", "tpm: 80", {
      messages: [{ role: "user", content: "word".repeat(1_000) }],
    }, 0],
  ] as const
) {
  Deno.test(`reservation for ${name}: ${limits} leaves ${remaining}`, async () => {
    await using setup = await setUp({ key: limits });
    // An estimate of 4 characters per token, and 4 tokens per message.
    const messages = [{ role: "user", content: "x".repeat(24) }];
    const { status, headers } = await setup.ask({ messages, ...body });
    assertEquals([status, headers.get("x-ratelimit-remaining-tokens")], [200, String(remaining)]);
  });
}

const parameters = { type: "object", description: "x".repeat(4_000) };

for (
  const [name, body] of [
    ["tools", { tools: [{ type: "function", function: { name: "f", parameters } }] }],
    ["the schema of the answer", {
      response_format: { type: "json_schema", json_schema: { name: "a", schema: parameters } },
    }],
  ] as const
) {
  Deno.test(`a reservation includes ${name}`, async () => {
    await using setup = await setUp({ key: "tpm: 100000" });
    const messages = [{ role: "user", content: "x".repeat(24) }];
    const { headers } = await setup.ask({ messages, ...body });
    const without = 100_000 - 10 - 4_096;
    const tokens = without - Number(headers.get("x-ratelimit-remaining-tokens"));
    assert(tokens > 1_000 && tokens < 1_100, `${tokens} tokens`);
  });
}

Deno.test("a reservation in USD is at the highest price of any upstream that may answer", async () => {
  await using upstream = startUpstream([{ content: "Hi" }]);
  const { clock } = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    clock,
    limiter: createCountingLimiter(clock.date),
    yaml: `
upstreams:
  a: { base_url: UPSTREAM, price: { input: 0.1, output: 0.8 } }
  b: { base_url: UPSTREAM, price: { input: 0.4, output: 0.2 } }
models: { m: { upstream: [a, b], model: x } }
limits: { daily_usd: 0.01 }
`,
  });
  // 10 tokens at $0.4, and 50 at $0.8 per million.
  const messages = [{ role: "user", content: "x".repeat(24) }];
  const { headers, body } = await app.chat({ messages, max_tokens: 50 });
  assertEquals(headers.get("x-ratelimit-remaining-usd-day"), "0.009956");
  await body?.cancel();
});

for (const limits of ["rpm: 1", "parallel: 1"]) {
  Deno.test(`the calls of a run count as one request: ${limits}`, async () => {
    await using setup = await setUp({
      key: limits,
      script: ({ index }) => ({
        content: index < 4 ? step(`${index}`, "Hm", "continue") : step("Sum", "4", "final_answer"),
      }),
    });
    const { text } = await setup.ask({ model: "thinker" });
    assertEquals(JSON.parse(text).choices[0].message.content, "4");
    assertEquals(setup.upstream.calls.length, 6);
  });
}

for (
  const [limits, measure, units] of [
    ["daily_tokens: 1000000", "tokens", 6 * 20_000],
    ["daily_usd: 2000", "usd", 6 * 30e9],
  ] as const
) {
  Deno.test(`a run that uses more than it reserved continues within ${limits}`, async () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 10_000, total_tokens: 20_000 };
    await using setup = await setUp({
      key: limits,
      script: ({ index }) => ({
        content: index < 4 ? step(`${index}`, "Hm", "continue") : step("Sum", "4", "final_answer"),
        usage,
      }),
    });
    await setup.ask({ model: "thinker", max_tokens: 100 });
    assertEquals(setup.upstream.calls.length, 6);
    await setup.app.drain(0);
    assertEquals(await setup.counts(), [[`client:alice:${measure}:day:2026-01-01`, units]]);
  });
}

Deno.test("requests that join the same run are charged once", async () => {
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp({
    key: "rpm: 5, daily_tokens: 1000",
    script: [{ content: "Hi", before: gate.promise }],
  });
  const init = { headers: { authorization: `Bearer ${KEY}`, "idempotency-key": "k" } };
  const both = [setup.app.chat({}, init), setup.app.chat({}, init)];
  const counted = () => setup.count("client:alice:requests:minute");
  await waitUntil("both requests to be counted", async () => await counted() === 2);
  gate.resolve();
  for (const response of await Promise.all(both)) assertEquals(response.status, 200);
  await setup.app.drain(0);
  assertEquals(setup.upstream.calls.length, 1);
  assertEquals(await setup.count("client:alice:requests:minute"), 1);
  assertEquals(await setup.count("client:alice:tokens:day:2026-01-01"), 15);
});

Deno.test("a run that was reserved yesterday is charged to yesterday", async () => {
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp({
    key: "daily_tokens: 40",
    script: (call) =>
      call.index === 0 ? { content: "Hi", before: gate.promise } : { content: "Hi" },
  });
  const first = setup.ask();
  await setup.upstream.called();
  await setup.time.advance(DAY / 2 - 1);
  assertEquals(await setup.count("client:alice:tokens:day:2026-01-01"), 13, "reserved");
  gate.resolve();
  await first;
  assertEquals(await setup.count("client:alice:tokens:day:2026-01-01"), 15);
  await setup.time.advance(DAY / 2 + 1);
  assertEquals((await setup.ask()).status, 200);
  await setup.app.drain(0);
  assertEquals(await setup.count("client:alice:tokens:day:2026-01-02"), 15);
});

for (const limits of ["rpm: 5", "parallel: 5", "tpm: 500"]) {
  Deno.test(`if the limiter fails, clients with ${limits} get 503 and others are served`, async () => {
    await using setup = await setUp({ key: limits });
    setup.limiter.failure = new Error("no connection");
    const rejected = await setup.ask();
    assertEquals([rejected.status, errorOf(rejected).code, rejected.headers.get("retry-after")], [
      503,
      "limits_unavailable",
      "2",
    ]);
    assertEquals(limitHeaders(rejected.headers), NO_LIMITS);
    assertEquals(setup.limiter.calls, 1);
    assert(setup.lines.some((line) => line.includes("Limits cannot be reached")));
    assertEquals((await setup.ask({}, OTHER)).status, 200);
    assertEquals((await setup.app.send("/v1/models", undefined, bearer(KEY))).status, 200);
    assertEquals(setup.upstream.calls.length, 1);
  });
}

Deno.test("a failure to settle does not affect the client", async () => {
  await using setup = await setUp({
    key: "tpm: 500",
    script: () => {
      setup.limiter.failure = new Error("no connection");
      return { content: "Hi" };
    },
  });
  assertEquals((await setup.ask()).status, 200);
  await setup.app.drain(0);
  assert(setup.lines.some((line) => line.includes("Usage cannot be charged to the limits")));
});

const FAILURES: [name: string, reply: Reply, used: number][] = [
  ["a rejection by the upstream costs nothing", { status: 400, body: "{}" }, 0],
  ["a failure of the upstream costs nothing", { status: 500, body: "{}" }, 0],
  [
    "an interrupted stream costs what was received",
    { content: ["four", "more", "text"], usage: null, end: "cut" },
    9 + 3,
  ],
];

for (const [name, reply, used] of FAILURES) {
  Deno.test(`${name}: 1 request and ${used} tokens are charged`, async () => {
    await using setup = await setUp({
      key: "rpm: 5, daily_tokens: 1000, daily_usd: 1",
      script: [reply],
    });
    const messages = [{ role: "user", content: "x".repeat(20) }];
    await setup.ask({ stream: true, messages });
    await setup.app.drain(0);
    assertEquals(await setup.count("client:alice:requests:minute"), 1);
    assertEquals(await setup.count("client:alice:tokens:day:2026-01-01"), used);
    const nano = used === 0 ? 0 : 9 * 1_000_000 + 3 * 2_000_000;
    assertEquals(await setup.count("client:alice:usd:day:2026-01-01"), nano);
  });
}

for (
  const body of [{ messages: [] }, { model: "gpt-9" }, {
    reasoning: { max_steps: "x" },
    model: "thinker",
  }]
) {
  Deno.test(`an invalid request costs nothing: ${JSON.stringify(body)}`, async () => {
    await using setup = await setUp({ key: "rpm: 5, tpm: 1000, parallel: 1" });
    assertMatch(String((await setup.ask(body)).status), /^40[04]$/);
    await setup.app.drain(0);
    for (const [key, count] of await setup.counts()) assertEquals(count, 0, key);
  });
}

Deno.test("a response that cannot be stored costs nothing", async () => {
  const store = createMemoryStore({ now: Date.now });
  store.write = () => Promise.reject(new StoreError(new Error("no connection")));
  await using setup = await setUp({ key: "rpm: 5, tpm: 1000, daily_usd: 5, parallel: 1", store });
  const body = { model: "m", input: "Hello", background: true };
  const response = await setup.app.send("/v1/responses", body, bearer(KEY));
  await response.body?.cancel();
  assertEquals([response.status, setup.upstream.calls.length], [503, 0]);
  await setup.app.drain(0);
  for (const [key, count] of await setup.counts()) assertEquals(count, 0, key);
});

const shownLimits = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-ratelimit-")));

Deno.test("every response to a client with budgets shows what is left of them", async () => {
  await using setup = await setUp({
    key: "daily_usd: 5, monthly_usd: 50, daily_tokens: 1000, monthly_tokens: 100000",
    all: "daily_usd: 1",
  });
  await setup.time.advance(DAY / 2);
  assertEquals((await setup.ask()).status, 200);
  const expected = {
    "x-ratelimit-limit-tokens-day": "1000",
    "x-ratelimit-remaining-tokens-day": "985",
    "x-ratelimit-reset-tokens-day": "12h0m0s",
    "x-ratelimit-limit-tokens-month": "100000",
    "x-ratelimit-remaining-tokens-month": "99985",
    "x-ratelimit-reset-tokens-month": "732h0m0s",
    "x-ratelimit-limit-usd-day": "1",
    "x-ratelimit-remaining-usd-day": "0.98",
    "x-ratelimit-reset-usd-day": "12h0m0s",
    "x-ratelimit-limit-usd-month": "50",
    "x-ratelimit-remaining-usd-month": "49.98",
    "x-ratelimit-reset-usd-month": "732h0m0s",
  };
  const listed = await setup.app.send("/v1/models", undefined, bearer(KEY));
  assertEquals(shownLimits(listed.headers), expected);
  for (const name of Object.keys(expected)) {
    assertStringIncludes(listed.headers.get("access-control-expose-headers")!, name);
  }
  const running = await setup.ask({ stream: true });
  const left = Number(running.headers.get("x-ratelimit-remaining-usd-day"));
  assert(left > 0.8 && left < 0.98, `${left}`);
});

Deno.test("a request over a budget shows that nothing is left of it", async () => {
  await using setup = await setUp({ key: "daily_tokens: 15" });
  assertEquals((await setup.ask()).status, 200);
  const { status, headers } = await setup.ask();
  assertEquals([status, headers.get("x-ratelimit-remaining-tokens-day")], [429, "0"]);
});
