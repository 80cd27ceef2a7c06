import { assert, assertEquals } from "@std/assert";
import type { App, WorkerGroup } from "../../../lib/server/app.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { type Reply, startUpstream } from "../../support/upstream.ts";

const KEY = "provider-key-4711";
const PROMPT = "What is my very secret diagnosis?";

const REJECTED: Reply = {
  status: 500,
  body: JSON.stringify({
    error: { message: `At http://a.example/?key=${KEY}: "${PROMPT}" failed` },
  }),
};

/** A server whose upstream `main` fails while `replies.main` is an error; then `spare` answers. */
async function setUp(workerGroup?: WorkerGroup) {
  const replies: { main: Reply } = { main: { content: "Hi" } };
  const main = startUpstream(() => replies.main);
  const spare = startUpstream(() => ({ content: "Hi" }));
  const fake = createFakeClock(() => new Promise((resolve) => setTimeout(resolve)));
  const app = await createTestApp({
    upstream: "",
    clock: fake.clock,
    ...(workerGroup === undefined ? {} : { workerGroup }),
    yaml: `
upstreams:
  main:
    base_url: ${main.url}
    api_key: ${KEY}
    retry: { max_attempts: 1 }
    breaker: { min_calls: 20, cooldown_ms: 60000 }
  spare: { base_url: "${spare.url}" }
  unused: { base_url: "http://127.0.0.1:4711/v1" }
models:
  m: { upstream: [main, spare], model: x }
${await keysYaml({ alice: "" })}`,
  });
  return {
    app,
    fake,
    replies,
    main,
    async ask(times: number) {
      const messages = [{ role: "user", content: PROMPT }];
      for (let i = 0; i < times; i++) {
        const response = await app.chat({ model: "m", messages });
        assertEquals(response.status, 200, await response.text());
      }
    },
    async read() {
      const text = await (await app.send("/v1/upstreams")).text();
      assert(!/4711|127\.0|a\.example|diagnosis/.test(text), text);
      return JSON.parse(text);
    },
    async [Symbol.asyncDispose]() {
      await app.drain(0);
      await Promise.all([main, spare].map((upstream) => upstream[Symbol.asyncDispose]()));
    },
  };
}

const IDLE = {
  breaker: "closed",
  running: 0,
  calls: 0,
  failed: 0,
  cancelled: 0,
  ms: null,
  errors: [],
};
const AT_ONCE = { p50: 0, p95: 0, max: 0 };

Deno.test("only the holder of api_bearer_token sees the upstreams", async () => {
  await using setup = await setUp();
  const { app } = setup;
  const cases: [headers: Record<string, string>, status: number, code: string | null][] = [
    [{ authorization: "" }, 401, null],
    [{ authorization: "Bearer wrong" }, 401, "invalid_api_key"],
    [as("alice"), 403, "insufficient_permissions"],
  ];
  for (const [headers, status, code] of cases) {
    const response = await app.send("/v1/upstreams", undefined, { headers });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [status, code]);
    assertEquals(JSON.stringify(error).includes("main"), false);
  }
  assertEquals((await app.send("/v1/upstreams", {})).status, 405);
  assertEquals(await setup.read(), {
    object: "list",
    data: [{ name: "main", ...IDLE }, { name: "spare", ...IDLE }],
  });
});

Deno.test("calls, failures and the breaker of an upstream are reported, for 15 minutes", async () => {
  await using setup = await setUp();
  await setup.ask(9);
  setup.replies.main = REJECTED;
  await setup.ask(11);
  const { data: [main, spare] } = await setup.read();
  const { errors, ...counts } = main;
  assertEquals(counts, {
    ...without(IDLE),
    name: "main",
    breaker: "open",
    calls: 20,
    failed: 11,
    ms: AT_ONCE,
  });
  assertEquals(errors.length, 10);
  const { detail, ...fault } = errors[0];
  assertEquals(fault, {
    time: "2026-01-01T00:00:00.000Z",
    model: "x",
    type: "upstream_error",
    status: 500,
  });
  assert(detail === undefined || detail.length <= 300, detail);
  assertEquals(spare, { ...IDLE, name: "spare", calls: 11, ms: AT_ONCE });

  await setup.fake.advance(900_000);
  const { data: [later] } = await setup.read();
  assertEquals([later.calls, later.failed, later.ms], [0, 0, null]);
  // Errors stay: they say why the breaker is open.
  assertEquals(later.errors.length, 10);
});

Deno.test("a running call is counted, and its time is measured when it ends", async () => {
  await using setup = await setUp();
  const gate = Promise.withResolvers<void>();
  setup.replies.main = { before: gate.promise, content: "Hi" };
  const asked = setup.ask(1);
  await setup.main.called();
  assertEquals((await setup.read()).data[0], { name: "main", ...IDLE, running: 1 });
  await setup.fake.advance(700);
  gate.resolve();
  await asked;
  assertEquals((await setup.read()).data[0], {
    ...IDLE,
    name: "main",
    calls: 1,
    ms: { p50: 700, p95: 700, max: 700 },
  });
});

Deno.test("the workers of a server report together", async () => {
  const apps: App[] = [];
  const group: WorkerGroup = {
    id: "0123456789abcdef",
    share: (limit) => limit,
    created: 0,
    values: () => Promise.resolve(new Map()),
    health: () => Promise.resolve(apps.flatMap((app) => app.health())),
    toolReasoning: { find: () => undefined, remember() {} },
    endRun() {},
  };
  await using first = await setUp(group);
  await using second = await setUp(group);
  apps.push(first.app, second.app);
  await first.ask(2);
  await second.ask(1);
  assertEquals((await second.read()).data[0], { ...IDLE, name: "main", calls: 3, ms: AT_ONCE });
});

const without = ({ errors: _, ...rest }: typeof IDLE) => rest;
