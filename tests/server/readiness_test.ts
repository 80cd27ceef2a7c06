import { assertEquals } from "@std/assert";
import { createMemoryLimiter } from "../../lib/store/memory/limiter.ts";
import { createMemoryStore } from "../../lib/store/memory/store.ts";
import { openStores } from "../../lib/store/open.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import { createFakeClock } from "../support/clock.ts";
import { assertWithin } from "../support/measure/noise.ts";
import { NO_POSTGRES, startPostgres } from "../support/stores/postgres.ts";
import { NO_REDIS, startRedis } from "../support/stores/redis.ts";
import { skippedFor } from "../support/skip.ts";
import { waitUntil } from "../support/wait.ts";

type Answer = "yes" | "never" | "error";

const YAML = `
upstreams: { u: { base_url: "http://127.0.0.1:8080/v1" } }
models: { m: { upstream: u, model: x } }
limits: { rpm: 1000 }
`;

/** An app whose store and limits answer as the test says; calls are counted. */
async function createWorld() {
  const time = createFakeClock();
  const lines: string[] = [];
  const answers: Record<"store" | "limits", Answer> = { store: "yes", limits: "yes" };
  const calls = { store: 0, limits: 0 };
  const answer = <T>(name: "store" | "limits", work: () => Promise<T>): Promise<T> => {
    calls[name]++;
    if (answers[name] === "yes") return work();
    return answers[name] === "never" ? new Promise(() => {}) : Promise.reject(new Error("down"));
  };
  const store = createMemoryStore({ now: time.clock.date });
  const limiter = createMemoryLimiter({ now: time.clock.date });
  const app = await createTestApp({
    upstream: "",
    yaml: YAML,
    clock: time.clock,
    lines,
    store: { ...store, get: (keys) => answer("store", () => store.get(keys)) },
    limiter: { ...limiter, take: (...args) => answer("limits", () => limiter.take(...args)) },
  });
  return { app, time, lines, answers, calls };
}

async function statusOf(app: TestApp, path: string): Promise<number> {
  const response = await app.handle(new Request(`http://localhost${path}`));
  await response.body?.cancel();
  return response.status;
}

for (const name of ["store", "limits"] as const) {
  for (
    const [kind, problem] of [["never", "never answers"], ["error", "answers errors"]] as const
  ) {
    Deno.test(`/readyz is 503 while the back end of ${name} ${problem}, and 200 again after`, async () => {
      const { app, time, lines, answers, calls } = await createWorld();
      app.watchBackends();
      await time.advance(2_000);
      assertEquals(await statusOf(app, "/readyz"), 200);
      answers[name] = kind;
      await time.advance(4_000);
      const response = await app.handle(new Request("http://localhost/readyz"));
      assertEquals(response.status, 503);
      assertEquals(await response.json(), { status: "unavailable", failing: [name] });
      for (const path of ["/healthz", "/health", "/"]) {
        assertEquals(await statusOf(app, path), 200);
      }
      const warnings = () => lines.filter((line) => line.includes("not ready"));
      const before = calls[name];
      await time.advance(10_000);
      assertEquals(warnings().length, 1, "the change is logged once");
      if (kind === "never") assertEquals(calls[name], before, "calls do not pile up");
      answers[name] = "yes";
      await time.advance(30_000);
      assertEquals(await statusOf(app, "/readyz"), 200);
      await app.drain(0);
      assertEquals(time.pending(), 0, "no check is scheduled");
    });
  }
}

Deno.test("health checks of the server call no back end", async () => {
  const { app, calls } = await createWorld();
  for (const path of ["/healthz", "/health", "/readyz", "/"]) {
    assertEquals(await statusOf(app, path), 200);
  }
  const preflight = new Request("http://localhost/v1/models", { method: "OPTIONS" });
  await app.handle(preflight);
  assertEquals(calls, { store: 0, limits: 0 });
});

/** A server of stores that can hang, end, and start again. */
interface StoreServer {
  url: string;
  hang(): Promise<void>;
  resume(): Promise<void>;
  end(): Promise<void>;
  /** On the same port. */
  start(): Promise<AsyncDisposable | void>;
}

async function withRedis(test: (server: StoreServer) => Promise<void>): Promise<void> {
  await using redis = await startRedis();
  await test({
    url: redis.url,
    hang: () => redis.kill("SIGSTOP"),
    resume: () => redis.kill("SIGCONT"),
    end: () => redis.kill("SIGKILL"),
    start: () => startRedis({ port: redis.port }),
  });
}

async function withPostgres(test: (server: StoreServer) => Promise<void>): Promise<void> {
  await using postgres = await startPostgres();
  await test({
    url: postgres.urlOf("postgres"),
    hang: () => postgres.signalAll("SIGSTOP"),
    resume: () => postgres.signalAll("SIGCONT"),
    end: () => postgres.stop("SIGQUIT"),
    start: postgres.start,
  });
}

for (
  const [name, skipReason, withServer] of [
    ["Redis", NO_REDIS, withRedis],
    ["Postgres", NO_POSTGRES, withPostgres],
  ] as const
) {
  Deno.test({
    ...skippedFor(
      skipReason,
      `while ${name} hangs or is down, /readyz is 503 and /healthz is 200 at once`,
    ),
    fn: () =>
      withServer(async (server) => {
        const stores = await openStores(server.url, {
          path: "",
          now: Date.now,
          warn: () => {},
          onDeploy: false,
        });
        const app = await createTestApp({ upstream: "", yaml: YAML, ...stores });
        const ready = () => statusOf(app, "/readyz");
        app.watchBackends();
        let again: AsyncDisposable | void = undefined;
        try {
          assertEquals(await ready(), 200);
          await server.hang();
          await waitUntil("/readyz to be 503", async () => await ready() === 503);
          await assertWithin(250, async () => assertEquals(await statusOf(app, "/healthz"), 200));
          await server.resume();
          await waitUntil("/readyz to be 200", async () => await ready() === 200);
          // Without a connection.
          await server.end();
          await waitUntil("/readyz to be 503", async () => await ready() === 503);
          again = await server.start();
          await waitUntil("/readyz to be 200", async () => await ready() === 200);
        } finally {
          await app.drain(0);
          await stores.limiter.close();
          await stores.store.close();
          await again?.[Symbol.asyncDispose]();
        }
      }),
  });
}
