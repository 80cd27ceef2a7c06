import { assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../support/app.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../support/upstream.ts";

const ok: Reply = { content: "ok" };

const failing = (status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: "{}",
});

const keyOf = ({ headers }: Call) => headers.get("authorization")?.replace("Bearer ", "");
const keysOf = ({ calls }: Upstream) => calls.map(keyOf);

interface AskOptions {
  /** Settings of the upstream. */
  settings?: Record<string, unknown>;
  /** Returns the time in milliseconds; timers never fire then. */
  now?: () => number;
}

/** Creates an app with three keys, and a function that sends a request and returns the status. */
async function createAsk({ url }: Upstream, { settings = {}, now }: AskOptions = {}) {
  const upstream = {
    base_url: url,
    api_key: ["k1", "k2", "k3"],
    retry: { base_ms: 1, max_ms: 20 },
    breaker: { min_calls: 2, window_ms: 10_000, cooldown_ms: 5_000 },
    ...settings,
  };
  const { chat } = await createTestApp({
    upstream: "",
    yaml: JSON.stringify({
      api_bearer_token: TOKEN,
      upstreams: { u: upstream },
      models: { m: { upstream: "u", model: "x" } },
    }),
    tokenLine: "",
    ...(now === undefined ? {} : { clock: { now, date: now, timer: () => () => {} } }),
  });
  return async () => {
    const response = await chat({});
    await response.text();
    return response.status;
  };
}

Deno.test("the keys of an upstream are used in turn", async () => {
  await using upstream = startUpstream([ok, ok, failing(500), ok]);
  const ask = await createAsk(upstream);
  for (let i = 0; i < 5; i++) assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k1", "k2", "k3"]);
});

Deno.test("the only key of an upstream is sent with each call, rejected or not", async () => {
  await using upstream = startUpstream([failing(401), failing(429), ok]);
  const ask = await createAsk(upstream, { settings: { api_key: "k1" } });
  assertEquals([await ask(), await ask()], [424, 200]);
  assertEquals(keysOf(upstream), ["k1", "k1", "k1"]);
});

Deno.test("parallel calls use different keys", async () => {
  await using upstream = startUpstream([ok]);
  const ask = await createAsk(upstream);
  await Promise.all(Array.from({ length: 6 }, ask));
  assertEquals(keysOf(upstream).sort(), ["k1", "k1", "k2", "k2", "k3", "k3"]);
});

Deno.test("a refused key is skipped for a while", async () => {
  let refusing = true;
  await using upstream = startUpstream((call) =>
    refusing && keyOf(call) === "k2" ? failing(429, { "retry-after": "30" }) : ok
  );
  let now = 0;
  const ask = await createAsk(upstream, { now: () => now });
  for (let i = 0; i < 4; i++) assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k1", "k3"]);
  now = 30_000;
  refusing = false;
  for (let i = 0; i < 3; i++) assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream).slice(5), ["k1", "k2", "k3"]);
});

Deno.test("several refused keys are skipped at the same time", async () => {
  await using upstream = startUpstream((call) => keyOf(call) === "k3" ? ok : failing(429));
  const ask = await createAsk(upstream, { now: () => 0 });
  for (let i = 0; i < 3; i++) assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k3", "k3"]);
});

Deno.test("a key is skipped for an hour at most, whatever the provider asks for", async () => {
  await using upstream = startUpstream(({ index }) =>
    index === 0 ? failing(429, { "retry-after": "86400" }) : ok
  );
  let now = 0;
  const ask = await createAsk(upstream, { settings: { api_key: ["k1", "k2"] }, now: () => now });
  await ask();
  now = 3_599_999;
  await ask();
  now = 3_600_000;
  await ask();
  assertEquals(keysOf(upstream), ["k1", "k2", "k2", "k1"]);
});

Deno.test("if every key is skipped, all are tried, each once and in turn", async () => {
  await using upstream = startUpstream([failing(401)]);
  const ask = await createAsk(upstream, { now: () => 0 });
  for (let i = 0; i < 2; i++) assertEquals(await ask(), 424);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k1", "k2", "k3"]);
});

Deno.test("after every key was rejected, a retry uses the next in turn", async () => {
  await using upstream = startUpstream([failing(429), failing(429), failing(429), ok]);
  const ask = await createAsk(upstream);
  assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k1"]);
});

Deno.test("with rotate: on_refusal, a refused key is replaced by the next, which stays in use", async () => {
  await using upstream = startUpstream((call) =>
    keyOf(call) === "k3" ? ok : failing(call.index === 0 ? 401 : 429)
  );
  const ask = await createAsk(upstream, { settings: { rotate: "on_refusal" } });
  for (let i = 0; i < 2; i++) assertEquals(await ask(), 200);
  assertEquals(keysOf(upstream), ["k1", "k2", "k3", "k3"]);
});
