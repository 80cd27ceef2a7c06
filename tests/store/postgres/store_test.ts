import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { openPostgresStore } from "../../../lib/store/postgres/store.ts";
import { type Store, StoreError } from "../../../lib/store/store.ts";
import {
  createDatabase,
  NO_POSTGRES,
  type PostgresServer,
  sharePostgres,
  startPostgres,
} from "../../support/stores/postgres.ts";
import { skippedFor } from "../../support/skip.ts";
import { waitUntil } from "../../support/wait.ts";
import { key, set, valueOf } from "../contract.ts";

sharePostgres();

const LIMIT = { key: "a", kind: "sum", amount: 10, windowMs: 3_600_000 } as const;

function optionsOf(server: PostgresServer, warnings: string[] = []) {
  return {
    url: server.urlOf("postgres"),
    timeoutMs: 30_000,
    warn: (line: string) => void warnings.push(line),
  };
}

/** Runs a test on a server of its own, which it may stop. */
function withOwnPostgres(name: string, fn: (server: PostgresServer) => Promise<void>): void {
  Deno.test({
    ...skippedFor(NO_POSTGRES, name),
    async fn() {
      await using server = await startPostgres();
      await fn(server);
    },
  });
}

function withPostgres(name: string, fn: (server: PostgresServer) => Promise<void>): void {
  Deno.test({
    ...skippedFor(NO_POSTGRES, name),
    async fn() {
      await using database = await createDatabase();
      await fn(database.server);
    },
  });
}

const written = (store: Store, id: string) => store.write([set(id)]).catch(() => false);

withOwnPostgres("calls fail while Postgres is down, and work once it is back", async (server) => {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    const warnings: string[] = [];
    const store = await openPostgresStore(optionsOf(server, warnings));
    const limiter = await openPostgresLimiter(optionsOf(server));
    let changes = 0;
    store.watch("c", () => changes++);
    assert(await store.write([set("a", signal)]));
    assertAlmostEquals(await store.now(), Date.now(), 60_000);
    assert((await limiter.take([{ limit: LIMIT, cost: 1 }])).ok);
    await server.stop(signal);
    for (let i = 0; i < 3; i++) {
      const error = await assertRejects(() => store.write([set("secret", "text")]), StoreError);
      assertMatch(error.message, /^Cannot use Postgres at 127.0.0.1:/);
      const text = Deno.inspect(error, { depth: 9, showHidden: true });
      assert(!text.includes("text"), text);
      await assertRejects(() => limiter.take([{ limit: LIMIT, cost: 1 }]), StoreError);
    }
    await waitUntil("a refused connection", async () => {
      const error = await assertRejects(() => store.get([key("a")]), StoreError);
      return error.code === "ECONNREFUSED";
    });
    const missed = changes;
    await server.start();
    await waitUntil("the store to reconnect", () => written(store, "b"));
    assertEquals(await valueOf(store, "a"), signal);
    const { place, rest } = warnings[0]!.match(/^The connection to (?<place>.*?:\d+) (?<rest>.*)/)!
      .groups!;
    assertEquals(rest, "is lost; reconnecting");
    assertEquals(warnings.at(-1), `The connection to ${place} is restored`);
    assert(warnings.some((line) => line.includes("ECONNREFUSED")), warnings.join("\n"));
    assert(warnings.length <= 6, warnings.join("\n"));
    await waitUntil(
      "the limiter to reconnect",
      () => limiter.take([{ limit: LIMIT, cost: 0 }]).then(() => true, () => false),
    );
    const other = await openPostgresStore(optionsOf(server));
    await waitUntil(
      "the watch to be called for what it may have missed",
      () => Promise.resolve(changes > missed),
    );
    const before = changes;
    await waitUntil("a notification", async () => {
      await other.write([{ ...set("n"), notify: true }]);
      return changes > before;
    });
    await other.close();
    await limiter.close();
    await store.close();
    await assertRejects(() => store.get([key("a")]), StoreError, "it is closed");
  }
});

withOwnPostgres("many calls during an outage make few attempts to connect", async (server) => {
  const store = await openPostgresStore(optionsOf(server));
  await server.stop();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: server.port });
  const attempts: number[] = [];
  const ended = (async () => {
    for await (const client of listener) {
      attempts.push(performance.now());
      client.close();
    }
  })();
  await waitUntil("the third attempt", async () => {
    await assertRejects(() => store.get([key("a")]), StoreError);
    return attempts.length >= 3;
  });
  // Delays of 25 ms, 50 ms, 100 ms and so on, of which the first may be before the first attempt.
  const ms = attempts[2]! - attempts[0]!;
  assert(ms > 70, `3 attempts in ${ms} ms`);
  listener.close();
  await ended;
  await store.close();
});

withOwnPostgres("a store can be closed while Postgres is down or hangs", async (server) => {
  for (const signal of ["SIGSTOP", "SIGQUIT"] as const) {
    const store = await openPostgresStore(optionsOf(server));
    const limiter = await openPostgresLimiter(optionsOf(server));
    store.watch("c", () => {});
    await store.get([key("a")]);
    if (signal === "SIGSTOP") await server.signalAll(signal);
    else await server.stop(signal);
    await store.close();
    await limiter.close();
    if (signal === "SIGSTOP") await server.signalAll("SIGCONT");
  }
});

withPostgres("a call that times out has no effect later", async (server) => {
  const store = await openPostgresStore({ ...optionsOf(server), timeoutMs: 5_000 });
  const limiter = await openPostgresLimiter({ ...optionsOf(server), timeoutMs: 5_000 });
  await store.get([key("a")]);
  const parallel = { ...LIMIT, key: "parallel", kind: "sum" } as const;
  await server.signalAll("SIGSTOP");
  const takes = [1, 2, 3].map((i) =>
    limiter.take([{ limit: LIMIT, cost: 1 }, { limit: parallel, cost: 1, lease: `${i}` }])
  );
  await Promise.all(takes.map((take) => assertRejects(() => take, StoreError)));
  const error = await assertRejects(() => store.write([set("a", "1")]), StoreError, "timeout");
  assertEquals(error.code, "ETIMEDOUT");
  await server.signalAll("SIGCONT");
  await waitUntil("an answer", () => written(store, "b"));
  const look = () => limiter.take([{ limit: LIMIT, cost: 0 }, { limit: parallel, cost: 0 }]);
  let remaining: number[] = [];
  await waitUntil("the limits", async () => {
    remaining = (await look().catch(() => ({ states: [] }))).states.map((state) => state.remaining);
    return remaining.length > 0;
  });
  assertEquals(remaining, [10, 10]);
  await store.close();
  await limiter.close();
});

withPostgres("what Postgres answers is reported once", async (server) => {
  const warnings: string[] = [];
  const store = await openPostgresStore(optionsOf(server, warnings));
  await server.sql("postgres", "drop table o1_api.entries");
  for (let i = 0; i < 3; i++) {
    const error = await assertRejects(() => store.get([key("a")]), StoreError);
    assertEquals(error.code, "42P01");
  }
  assertEquals(warnings.map((line) => line.replace(/:\d+/, "")), [
    'Cannot use Postgres at 127.0.0.1: relation "o1_api.entries" does not exist',
  ]);
  await store.close();
});

withPostgres("close waits for running calls, which share 4 connections", async (server) => {
  const store = await openPostgresStore(optionsOf(server));
  const write = () => Array.from({ length: 100 }, (_, i) => store.write([set(`${i}`)]));
  const first = write();
  const [{ count }] = await server.sql(
    "postgres",
    "select count(*)::int from pg_stat_activity where application_name = 'o1-api'",
  ) as [{ count: number }];
  assert(count >= 1 && count <= 4, `${count} connections`);
  const last = write();
  await store.close();
  assertEquals(new Set(await Promise.all([...first, ...last])), new Set([true]));
});

withPostgres("writes of the same entries in any order do not wait in a circle", async (server) => {
  let time = Date.UTC(2026, 0, 1);
  const options = { ...optionsOf(server), now: () => time };
  const stores = [await openPostgresStore(options), await openPostgresStore(options)];
  const ids = Array.from({ length: 40 }, (_, i) => `${i}`);
  for (let round = 0; round < 20; round++) {
    const results = await Promise.all(Array.from({ length: 16 }, (_, i) => {
      const some = [...ids.slice(5 * i % 40), ...ids.slice(0, 5 * i % 40)].slice(0, 15);
      const order = i % 2 ? some.toReversed() : some;
      // They expire, so that a write also deletes what others change.
      return stores[i % 2]!.write(order.map((id) => ({ ...set(id, `${round}`), ttlMs: 1 })));
    }));
    assertEquals(new Set(results), new Set([true]));
    time++;
  }
  for (const store of stores) await store.close();
});

withPostgres("what has expired is deleted", async (server) => {
  let time = Date.UTC(2026, 0, 1);
  const options = { ...optionsOf(server), now: () => time };
  const store = await openPostgresStore(options);
  for (let i = 0; i < 5; i++) {
    await store.write(
      Array.from({ length: 50 }, (_, j) => ({ ...set(`${i} ${j}`), ttlMs: 1_000 })),
    );
  }
  await store.write([{ ...set("permanent"), ttlMs: 1_000 }]);
  await store.write([set("permanent")]);
  time += 1_000;
  for (let i = 0; i < 3; i++) await store.write([set("permanent")]);
  const rows = await server.sql("postgres", "select id from o1_api.entries");
  assertEquals(rows, [{ id: "permanent" }]);
  await store.close();
});
