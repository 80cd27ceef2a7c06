import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { openSqliteLimiter } from "../../../lib/store/sqlite/limiter.ts";
import { openSqliteStore } from "../../../lib/store/sqlite/store.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { createTestApp } from "../../support/app.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import { LIMIT_MS, waitUntil } from "../../support/wait.ts";

const ID = `resp_${"0".repeat(48)}`;

/** Requests of every kind that needs the store. */
const REQUESTS: readonly [method: string, path: string, body?: object][] = [
  ["GET", `/v1/responses/${ID}`],
  ["GET", `/v1/responses/${ID}/input_items`],
  ["DELETE", `/v1/responses/${ID}`],
  ["POST", `/v1/responses/${ID}/cancel`, {}],
  ["POST", "/v1/responses", { model: "plain", input: "a", background: true }],
  ["POST", "/v1/responses", { model: "plain", input: "a", previous_response_id: ID }],
  ["POST", "/v1/conversations", {}],
  ["GET", `/v1/conversations/conv_${"0".repeat(48)}`],
];

/** Runs `test` with a database whose tables are gone, as after a fault of the disk. */
async function withoutTables(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/o1-api.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function dropTable(path: string, name: string): void {
  const database = new DatabaseSync(path);
  database.exec(`drop table ${name}`);
  database.close();
}

for (const [method, path, body] of REQUESTS) {
  const more = Object.keys(body ?? {}).at(-1);
  Deno.test(`an outage of the store gets 503: ${method} ${path}${more ? ` with ${more}` : ""}`, async () => {
    await withoutTables(async (file) => {
      await using upstream = startUpstream([{ content: "secret answer" }]);
      const lines: string[] = [];
      const store = await openSqliteStore({ path: file, now: Date.now });
      const app = await createTestApp({ upstream: upstream.url, store, lines });
      dropTable(file, "entries");
      const response = await app.send(path, body, { method });
      assertEquals(response.status, 503);
      assertEquals(response.headers.get("retry-after"), "2");
      const { error } = await response.json();
      assertEquals([error.type, error.code], ["service_unavailable_error", "store_unavailable"]);
      assert(!error.message.includes("entries"), error.message);
      const logged = lines.map((line) => JSON.parse(line)).find(({ status }) => status === 503);
      assertEquals([logged.level, logged.error], ["error", "store_unavailable"]);
      assert(logged.cause.startsWith("StoreError ERR_SQLITE_ERROR 1\n"), logged.cause);
      await app.drain(0);
      await store.close();
    });
  });
}

Deno.test("an outage of the limits gets 503 in the client's dialect, with the driver's code in the log", async () => {
  await withoutTables(async (file) => {
    await using upstream = startUpstream([{ content: "4" }]);
    const lines: string[] = [];
    const limiter = await openSqliteLimiter({ path: file, now: Date.now });
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models: { plain: { strategy: direct, upstream: s, model: m } }
limits: { rpm: 10 }
`,
      limiter,
      lines,
    });
    dropTable(file, "limits");
    const messages = [{ role: "user", content: "a" }];
    const chat = await app.chat({ messages });
    assertEquals([chat.status, (await chat.json()).error.code], [503, "limits_unavailable"]);
    const body = { model: "plain", max_tokens: 9, messages };
    const message = await app.send("/v1/messages", body);
    assertEquals([message.status, (await message.json()).error.type], [503, "overloaded_error"]);
    assertEquals(upstream.calls.length, 0);
    const cause = lines.map((line) => JSON.parse(line).cause).find((text) => text !== undefined);
    assert(cause.startsWith("StoreError ERR_SQLITE_ERROR 1\n"), cause);
    await limiter.close();
  });
});

Deno.test({
  ...skippedFor(NO_REDIS, "the errors of Redis have the codes of Redis and of the connection"),
  async fn() {
    const args = ["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"];
    await using redis = await startRedis({ args });
    const options = { url: redis.url, timeoutMs: LIMIT_MS, now: Date.now, warn() {} };
    const store = await openRedisStore(options);
    const put = (id: string, value: string) =>
      store.write([{ key: { collection: "c", id }, value }]);
    const full = await assertRejects(async () => {
      for (let index = 0; index < 100; index++) await put(`${index}`, "a".repeat(100_000));
    }, StoreError);
    assertEquals(full.code, "OOM");
    await redis.kill("SIGKILL");
    await waitUntil("a refused connection", async () => {
      const error = await assertRejects(() => put("a", "b"), StoreError);
      return error.code === "ECONNREFUSED";
    });
    await store.close();
  },
});
