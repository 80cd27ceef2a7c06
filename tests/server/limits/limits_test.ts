import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { createTestApp, readStream } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Reply, startUpstream } from "../../support/upstream.ts";
import { createCountingLimiter } from "./counting.ts";

const KEY = "sk-o1-alice00001-secret-of-alice";
const OTHER = "sk-o1-bob0000001-secret-of-bob";

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex();
}

/** How a page asks with a key. */
const bearer = (key: string) => ({
  headers: { authorization: `Bearer ${key}`, origin: "https://chat.example" },
});

interface WorldOptions {
  /** Limits of alice's key, as YAML. */
  key?: string;
  /** Limits of all, as YAML. */
  all?: string;
  /** What the upstream answers; default: 10 prompt tokens and 5 generated ones. */
  script?: Parameters<typeof startUpstream>[0];
}

/** An app with a limited key, one without limits, and the books. Prices: $1 and $2 per 1000 tokens. */
async function openWorld({ key = "", all = "", script = [{ content: "Hi" }] }: WorldOptions = {}) {
  const upstream = startUpstream(script);
  const time = createFakeClock();
  const limiter = createCountingLimiter();
  const lines: string[] = [];
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    limiter,
    lines,
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
  const count = (name: string) => limiter.count(time.clock.date(), name);
  return {
    app,
    time,
    upstream,
    limiter,
    lines,
    count,
    /** What counts against each limit. */
    books: () => Promise.all(limiter.keys().map(async (key) => [key, await count(key)] as const)),
    /** Asks and reads the whole answer. */
    async ask(body: Record<string, unknown> = {}, token = KEY) {
      const response = await app.chat(body, bearer(token));
      const text = await response.text();
      return { status: response.status, headers: response.headers, text };
    },
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

const errorOf = ({ text }: { text: string }) => JSON.parse(text).error;

interface Refusal {
  limit: string;
  /** Requests that the limit lets through; each uses 10 + 5 tokens, $0.02. */
  passes: number;
  body?: Record<string, unknown>;
  type: string;
  code: string;
  says: string;
  /** Time after which the next one passes. */
  waitMs: number;
}

const DAY = 86_400_000;
const QUOTA = "You exceeded your current quota, please check your plan and billing details. ";

const REFUSALS: Refusal[] = [
  {
    limit: "rpm: 3",
    passes: 3,
    type: "requests",
    code: "rate_limit_exceeded",
    says: "on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
    waitMs: 20_000,
  },
  {
    limit: "tpm: 40",
    passes: 2,
    type: "tokens",
    code: "rate_limit_exceeded",
    says: "on tokens per min (TPM): Limit 40, Used 30, Requested 13. Please try again in 4.5s.",
    waitMs: 4_500,
  },
  {
    limit: "daily_tokens: 40",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    says: `${QUOTA}The limit of SCOPE is 40 tokens a day; the next begins on 2026-01-02 (UTC).`,
    waitMs: DAY,
  },
  {
    limit: "monthly_tokens: 40",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    says: `${QUOTA}The limit of SCOPE is 40 tokens a month; the next begins on 2026-02-01 (UTC).`,
    waitMs: 31 * DAY,
  },
  {
    limit: "daily_usd: 0.05",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    says: `${QUOTA}The limit of SCOPE is $0.05 a day; the next begins on 2026-01-02 (UTC).`,
    waitMs: DAY,
  },
  {
    limit: "monthly_usd: 0.05",
    passes: 2,
    type: "insufficient_quota",
    code: "insufficient_quota",
    says: `${QUOTA}The limit of SCOPE is $0.05 a month; the next begins on 2026-02-01 (UTC).`,
    waitMs: 31 * DAY,
  },
];

for (const { limit, passes, type, code, says, waitMs } of REFUSALS) {
  for (const scope of ["key", "all"] as const) {
    Deno.test(`${limit} of ${scope}: ${passes} requests pass, the next one waits`, async () => {
      await using world = await openWorld({ [scope]: limit });
      for (let i = 0; i < passes; i++) assertEquals((await world.ask()).status, 200);
      const before = world.upstream.calls.length;
      const books = await world.books();
      const refused = await world.ask();
      assertEquals(refused.status, 429);
      assertEquals(world.upstream.calls.length, before, "no upstream is asked");
      assertEquals(await world.books(), books);
      const error = errorOf(refused);
      assertEquals([error.type, error.code, error.param], [type, code, null]);
      const scopeText = scope === "key" ? "project alice" : "organization o1-api";
      assertStringIncludes(error.message, says.replace("SCOPE", scopeText));
      assertStringIncludes(error.message, scopeText);
      assertEquals(refused.headers.get("retry-after"), String(Math.ceil(waitMs / 1000)));
      assertEquals(refused.headers.get("retry-after-ms"), String(waitMs));
      const isQuota = code === "insufficient_quota";
      assertEquals(refused.headers.get("x-should-retry"), isQuota ? "false" : null);
      if (scope === "key") assertEquals((await world.ask({}, OTHER)).status, 200);
      await world.time.advance(waitMs - 1);
      assertEquals((await world.ask()).status, 429);
      await world.time.advance(1);
      assertEquals((await world.ask()).status, 200);
    });
  }
}

Deno.test("both keys of a client share its limits", async () => {
  await using upstream = startUpstream([{ content: "Hi" }]);
  const time = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    limiter: createCountingLimiter(),
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

const LIMIT_HEADERS = ["limit", "remaining", "reset"].flatMap((what) =>
  ["requests", "tokens"].map((of) => `x-ratelimit-${what}-${of}`)
);
const limitHeaders = (headers: Headers) => LIMIT_HEADERS.map((name) => headers.get(name));
const UNLIMITED = ["1000000", "1000000000", "1000000", "1000000000", "0s", "0s"];

Deno.test("every answer of a limited client says how its limits stand", async () => {
  await using world = await openWorld({ key: "rpm: 10, tpm: 1000" });
  // Eight tokens of prompt, and an eighth of the limit for what is yet to come.
  const expected = ["10", "1000", "9", "867", "6s", "7.98s"];
  assertEquals(limitHeaders((await world.ask()).headers), expected);
  const used = ["10", "1000", "9", "985", "6s", "900ms"];
  const models = await world.app.send("/v1/models", undefined, bearer(KEY));
  assertEquals(limitHeaders(models.headers), used, "settled, and a list costs nothing");
  const wrong = await world.ask({ messages: [] });
  assertEquals([wrong.status, ...limitHeaders(wrong.headers)], [400, ...used]);
  const unknown = await world.ask({ model: "gpt-9" });
  assertEquals([unknown.status, ...limitHeaders(unknown.headers)], [404, ...used]);
  await world.time.advance(30_000);
  const stream = await world.ask({ stream: true });
  assertEquals(limitHeaders(stream.headers), expected, "all of it has come back");
  for (let i = 0; i < 9; i++) await world.ask();
  const refused = await world.ask();
  assertEquals(refused.status, 429);
  assertEquals(limitHeaders(refused.headers), ["10", "1000", "0", "850", "1m0s", "9s"]);
  assertEquals(refused.headers.get("retry-after"), "6");
  for (const { headers } of [models, refused]) {
    assertStringIncludes(
      headers.get("access-control-expose-headers")!,
      "x-ratelimit-remaining-requests",
    );
  }
});

Deno.test("of two limits of requests the headers show the nearer", async () => {
  await using world = await openWorld({ key: "rpm: 10", all: "rpm: 3, tpm: 5000" });
  const [limit, tokens, remaining] = limitHeaders((await world.ask()).headers);
  assertEquals([limit, tokens, remaining], ["3", "5000", "2"]);
});

Deno.test("a client without limits sees large ones that never change, and is not counted", async () => {
  await using world = await openWorld({ key: "rpm: 1" });
  for (let i = 0; i < 3; i++) {
    const { status, headers } = await world.ask({}, OTHER);
    assertEquals([status, ...limitHeaders(headers)], [200, ...UNLIMITED]);
  }
  const nobody = await world.app.handle(new Request("http://localhost/healthz"));
  assertEquals(limitHeaders(nobody.headers), UNLIMITED);
  await nobody.body?.cancel();
  assertEquals(limitHeaders((await world.ask({}, "wrong")).headers), UNLIMITED);
  assertEquals(world.limiter.calls, 0);
});

Deno.test("parallel: a second request is 429 while the first runs, however long", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await openWorld({
    key: "parallel: 1",
    script: (call) => ({
      content: ["a", "b"],
      ...(call.index === 0 ? { gate: (frame) => frame === 2 ? gate.promise : undefined } : {}),
    }),
  });
  const stream = readStream(await world.app.chat({ stream: true }, bearer(KEY)));
  await stream.until(({ content }) => content === "a");
  const refused = await world.ask();
  assertEquals([refused.status, refused.headers.get("retry-after")], [429, "1"]);
  assertEquals(errorOf(refused).code, "rate_limit_exceeded");
  assertStringIncludes(
    errorOf(refused).message,
    "Rate limit reached for m in project alice on requests at a time: Limit 1, Used 1, Requested 1.",
  );
  // A lease lives for a minute and is renewed until its request ends.
  await world.time.advance(10 * 60_000);
  assertEquals((await world.ask()).status, 429);
  assertEquals((await world.ask({}, OTHER)).status, 200);
  gate.resolve();
  await stream.until(({ done }) => done);
  await world.app.drain(0);
  assertEquals(await world.count("client:alice:parallel:moment"), 0);
  assertEquals(world.time.pending(), 0, "nothing is renewed any more");
});

Deno.test("a response that is made in the background counts until it is made", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await openWorld({
    key: "parallel: 1, daily_tokens: 1000",
    script: [{ content: "Hi", gate: () => gate.promise }],
  });
  const body = { model: "m", input: "Hello", background: true };
  const made = await world.app.send("/v1/responses", body, bearer(KEY));
  const { id } = await made.json();
  assertEquals((await world.ask()).status, 429);
  gate.resolve();
  for (let status = ""; status !== "completed";) {
    ({ status } = await (await world.app.send(`/v1/responses/${id}`, undefined, bearer(KEY)))
      .json());
    await setImmediate();
  }
  assertEquals((await world.ask()).status, 200);
  await world.app.drain(0);
  assertEquals(await world.count("client:alice:tokens:day:2026-01-01"), 30);
});

Deno.test("a request may use more than was set aside; it is not cut, and the next ones pay", async () => {
  const usage = { prompt_tokens: 500, completion_tokens: 400, total_tokens: 900 };
  await using world = await openWorld({ key: "tpm: 100", script: [{ content: "Hi", usage }] });
  assertEquals((await world.ask()).status, 200);
  await world.app.drain(0);
  assertEquals(await world.count("client:alice:tokens:minute"), 900);
});

for (
  const [name, limits, body, remaining] of [
    ["an answer of unknown length", "tpm: 100000", {}, 100_000 - 10 - 4_096],
    ["a ceiling", "tpm: 100000", { max_completion_tokens: 50 }, 100_000 - 10 - 50],
    ["a high ceiling", "tpm: 100000", { max_tokens: 90_000 }, 100_000 - 10 - 12_500],
    ["a small limit", "tpm: 5", {}, 0],
    ["a long prompt", "tpm: 80", {
      messages: [{ role: "user", content: "word".repeat(1_000) }],
    }, 0],
  ] as const
) {
  Deno.test(`set aside for ${name}: ${limits} leaves ${remaining}`, async () => {
    await using world = await openWorld({ key: limits });
    // Four characters are put at a token, and the frame around a message at four.
    const messages = [{ role: "user", content: "x".repeat(24) }];
    const { status, headers } = await world.ask({ messages, ...body });
    assertEquals([status, headers.get("x-ratelimit-remaining-tokens")], [200, String(remaining)]);
  });
}

Deno.test("requests that join one run are one request", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await openWorld({
    key: "rpm: 5, daily_tokens: 1000",
    script: [{ content: "Hi", before: gate.promise }],
  });
  const init = { headers: { authorization: `Bearer ${KEY}`, "idempotency-key": "k" } };
  const both = [world.app.chat({}, init), world.app.chat({}, init)];
  while (await world.count("client:alice:requests:minute") < 2) await setImmediate();
  gate.resolve();
  for (const response of await Promise.all(both)) assertEquals(response.status, 200);
  await world.app.drain(0);
  assertEquals(world.upstream.calls.length, 1);
  assertEquals(await world.count("client:alice:requests:minute"), 1);
  assertEquals(await world.count("client:alice:tokens:day:2026-01-01"), 15);
});

Deno.test("what was counted yesterday is corrected there, and today is new", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await openWorld({
    key: "daily_tokens: 40",
    script: (call) =>
      call.index === 0 ? { content: "Hi", before: gate.promise } : { content: "Hi" },
  });
  const first = world.ask();
  while (world.upstream.calls.length === 0) await setImmediate();
  await world.time.advance(DAY / 2 - 1);
  assertEquals(await world.count("client:alice:tokens:day:2026-01-01"), 13, "set aside");
  gate.resolve();
  await first;
  assertEquals(await world.count("client:alice:tokens:day:2026-01-01"), 15);
  await world.time.advance(DAY / 2 + 1);
  assertEquals((await world.ask()).status, 200);
  await world.app.drain(0);
  assertEquals(await world.count("client:alice:tokens:day:2026-01-02"), 15);
});

Deno.test("where counts can't be reached, limited clients get 503, and others nothing of it", async () => {
  await using world = await openWorld({ key: "rpm: 5" });
  world.limiter.failure = new Error("no connection");
  const refused = await world.ask();
  assertEquals([refused.status, errorOf(refused).code, refused.headers.get("retry-after")], [
    503,
    "limits_unavailable",
    "2",
  ]);
  assertEquals(limitHeaders(refused.headers), UNLIMITED);
  assertEquals((await world.ask({}, OTHER)).status, 200);
  assertEquals((await world.app.send("/v1/models", undefined, bearer(KEY))).status, 200);
  assert(world.lines.some((line) => line.includes("limits: can't be reached")));
  assertEquals(world.upstream.calls.length, 1);
});

Deno.test("counts that get lost at the end change nothing for the client", async () => {
  await using world = await openWorld({
    key: "tpm: 500",
    script: () => {
      world.limiter.failure = new Error("no connection");
      return { content: "Hi" };
    },
  });
  assertEquals((await world.ask()).status, 200);
  await world.app.drain(0);
  assert(world.lines.some((line) => line.includes("limits: can't count what was used")));
});

const FAILURES: [name: string, reply: Reply, used: number][] = [
  ["an upstream's refusal costs nothing", { status: 400, body: "{}" }, 0],
  ["an upstream that fails costs nothing", { status: 500, body: "{}" }, 0],
  [
    "a stream that breaks costs what came",
    { content: ["four", "more", "text"], usage: null, end: "cut" },
    9 + 3,
  ],
];

for (const [name, reply, used] of FAILURES) {
  Deno.test(`${name}: the request is counted, and ${used} tokens`, async () => {
    await using world = await openWorld({
      key: "rpm: 5, daily_tokens: 1000, daily_usd: 1",
      script: [reply],
    });
    const messages = [{ role: "user", content: "x".repeat(20) }];
    await world.ask({ stream: true, messages });
    await world.app.drain(0);
    assertEquals(await world.count("client:alice:requests:minute"), 1);
    assertEquals(await world.count("client:alice:tokens:day:2026-01-01"), used);
    const nano = used === 0 ? 0 : 9 * 1_000_000 + 3 * 2_000_000;
    assertEquals(await world.count("client:alice:usd:day:2026-01-01"), nano);
  });
}

for (
  const body of [{ messages: [] }, { model: "gpt-9" }, {
    reasoning: { max_steps: "x" },
    model: "thinker",
  }]
) {
  Deno.test(`what is refused for itself costs nothing: ${JSON.stringify(body)}`, async () => {
    await using world = await openWorld({ key: "rpm: 5, tpm: 1000, parallel: 1" });
    assertMatch(String((await world.ask(body)).status), /^40[04]$/);
    await world.app.drain(0);
    for (const [key, count] of await world.books()) assertEquals(count, 0, key);
  });
}
