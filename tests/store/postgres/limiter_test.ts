import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Client } from "pg";
import type { Charge, Limit, Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { createDatabase, NO_POSTGRES, sharePostgres } from "../../support/stores/postgres.ts";
import { skippedFor } from "../../support/skip.ts";
import { waitUntil } from "../../support/wait.ts";
import { limitOf, parallelOf, START } from "../limits.ts";

sharePostgres();

interface World {
  limiter: Limiter;
  /** Sets the time. */
  at(ms: number): void;
  sql(statement: string): Promise<Record<string, unknown>[]>;
  url: string;
}

function withLimiter(
  name: string,
  test: (world: World) => Promise<void>,
  timeoutMs = 30_000,
): void {
  Deno.test({
    ...skippedFor(NO_POSTGRES, name),
    async fn() {
      await using database = await createDatabase();
      const { url } = database;
      let time = START;
      const limiter = await openPostgresLimiter({ url, timeoutMs, warn() {}, now: () => time });
      const client = new Client({ connectionString: url });
      await client.connect();
      try {
        await test({
          limiter,
          url,
          at: (ms) => void (time = ms),
          sql: async (statement) => (await client.query(statement)).rows,
        });
      } finally {
        await client.end();
        await limiter.close();
      }
    },
  });
}

const LIMITS: readonly Limit[] = [
  { key: "a", kind: "rate", amount: 7, windowMs: 60_000 },
  { key: "a", kind: "sum", amount: 40, windowMs: 150_000 },
  { key: "b", kind: "sum", amount: 12, windowMs: 20_000 },
  { key: "c", kind: "sum", amount: 1, windowMs: 20_000 },
];

const charges = fc.uniqueArray(
  fc.record({
    limit: fc.constantFrom(...LIMITS),
    units: fc.integer({ min: 0, max: 12 }),
    lease: fc.constantFrom("1", "2", "3", "4", "5"),
  }).map(({ limit, units, lease }): Charge => {
    if (limit.kind === "rate") return { limit, cost: units };
    return { limit, cost: units, lease, used: Math.floor(units / 3) };
  }),
  { maxLength: 3, selector: ({ limit }) => `${limit.kind} ${limit.key}` },
);

const calls = fc.record({
  action: fc.constantFrom("take", "take", "settle", "renew"),
  charges,
});

async function call(limiter: Limiter, { action, charges }: { action: string; charges: Charge[] }) {
  if (action === "settle") return await limiter.settle(charges);
  if (action === "take") return await limiter.take(charges);
  await limiter.renew(charges.filter(({ lease }) => lease !== undefined));
}

withLimiter(
  "calls that share a transaction have the results of calls one by one",
  async (world) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ pass: fc.integer({ min: 0, max: 30_000 }), batch: fc.array(calls) }),
          { maxLength: 6 },
        ),
        async (rounds) => {
          const prefix = `${run++}/`;
          let time = START;
          const memory = createMemoryLimiter({ now: () => time });
          for (const { pass, batch } of rounds) {
            world.at(time += pass);
            const own = batch.map(({ action, charges }) => ({
              action,
              charges: charges.map((charge) => ({
                ...charge,
                limit: { ...charge.limit, key: prefix + charge.limit.key },
              })),
            }));
            const expected = await Promise.all(own.map((item) => call(memory, item)));
            const found = await Promise.all(own.map((item) => call(world.limiter, item)));
            assertEquals(found, expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  },
);

withLimiter("unused accounts and leases are deleted after a minute", async ({ url, sql }) => {
  let time = START;
  const open = () => openPostgresLimiter({ url, timeoutMs: 30_000, warn() {}, now: () => time });
  const limiter = await open();
  for (let i = 0; i < 20; i++) {
    await limiter.take([
      { limit: { ...parallelOf(5, 1_000), key: `${i}` }, cost: 1, lease: `${i}` },
      { limit: { ...limitOf("rate", 5, 1_000), key: `${i}` }, cost: 1 },
    ]);
  }
  const count = async () => (await sql("select count(*)::int from o1_api.limit_values"))[0]!.count;
  assertEquals(await count(), 60);
  time += 61_000;
  // As each limiter does every minute.
  await (await open()).close();
  assertEquals(await count(), 0);
  await limiter.close();
});

withLimiter("what drains within a millisecond counts until it is over", async ({ limiter }) => {
  const limit = limitOf("rate", 1, 1_000);
  for (const remaining of [0.999_5, 0.999]) {
    const { states } = await limiter.take([{ limit, cost: 0.000_5 }]);
    assertEquals(states[0]!.remaining, remaining);
  }
});

withLimiter("a released lease leaves nothing", async ({ limiter, sql }) => {
  const parallel = parallelOf(5);
  const sum = limitOf("sum", 5);
  const charges = [{ limit: parallel, cost: 1, lease: "a" }, { limit: sum, cost: 1, lease: "a" }];
  await limiter.take(charges);
  await limiter.settle(charges.map((charge) => ({ ...charge, cost: 0 })));
  assertEquals(await sql("select name from o1_api.limit_values"), []);
});

withLimiter("a take of 2,000 leases sends only sums of them", async (world) => {
  const { limiter, sql } = world;
  const limit = parallelOf(2_000);
  const take = (lease: string) => limiter.take([{ limit, cost: 1, lease }]);
  const first = await Promise.all(Array.from({ length: 2_001 }, (_, i) => take(`${i}`)));
  assertEquals(first.filter(({ ok }) => ok).length, 2_000);
  world.at(START + 10_000);
  assertEquals((await take("one more")).ok, false);
  const [row] = await sql(
    "select length(value) as sent from o1_api.limit_values where name = 'sum:alice parallel'",
  );
  assert(Number(row!.sent) < 300, `${row!.sent} characters`);
});

withLimiter("a call fails in time while another server holds a lock", async (world) => {
  const { limiter, sql } = world;
  const limit = limitOf("sum", 10);
  const take = () => limiter.take([{ limit, cost: 1 }]);
  // Unused accounts are deleted after the first call; calls meanwhile would share a transaction.
  await limiter.take([{ limit, cost: 0 }]);
  assert((await take()).ok);
  await sql("begin");
  await sql("select o1_api.lock_names(1870002, array['sum:alice sum'])");
  const first = take();
  const second = Promise.resolve().then(take);
  const { code } = await assertRejects(() => first, StoreError);
  // Of Postgres, or of this machine if it is busy.
  assert(["57014", "ETIMEDOUT"].includes(code), code);
  await assertRejects(() => second, StoreError, "The time of the call is over");
  await sql("rollback");
  let remaining = 0;
  await waitUntil("the lock", async () => {
    const result = await take().catch(() => undefined);
    remaining = result?.states[0]?.remaining ?? 0;
    return result !== undefined;
  });
  assertEquals(remaining, 8, "the call that failed had no effect");
}, 5_000);

withLimiter("Postgres refuses what arrives after the deadline of a call", async ({ sql }) => {
  const save = (deadline: string) =>
    sql(`select o1_api.save_limit_values(${deadline}, '{x}', '{1}', '{1}')`);
  const now = "extract(epoch from clock_timestamp()) * 1000";
  await assertRejects(() => save(`${now} - 1`), Error, "the time of this call is over");
  assertEquals(await sql("select name from o1_api.limit_values"), []);
  await save(`${now} + 60000`);
  assertEquals(await sql("select name from o1_api.limit_values"), [{ name: "x" }]);
});

/** Forwards connections to `port`, and can cut them before or after a transaction is committed. */
function startProxy(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Promise<unknown>[] = [];
  let cut: "before" | "after" | undefined;
  const text = (chunk: Uint8Array) => new TextDecoder("latin1").decode(chunk);
  const cutting = (isCut: (text: string) => boolean) =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (isCut(text(chunk))) throw new Error("cut");
        controller.enqueue(chunk);
      },
    });
  const ended = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const ways = [
        client.readable
          .pipeThrough(cutting((sent) => cut === "before" && sent.includes("save_limit_values")))
          .pipeTo(server.writable),
        server.readable
          .pipeThrough(cutting((sent) => cut === "after" && sent.includes("COMMIT")))
          .pipeTo(client.writable),
      ];
      connections.push(...ways.map((way) => way.catch(() => {})));
    }
  })();
  return {
    port: listener.addr.port,
    cut: (when: typeof cut) => void (cut = when),
    async close() {
      listener.close();
      await ended;
      await Promise.all(connections);
    },
  };
}

Deno.test({
  ...skippedFor(
    NO_POSTGRES,
    "a settlement that is repeated after a cut connection is charged once",
  ),
  async fn() {
    await using database = await createDatabase();
    const { url, server } = database;
    const proxy = startProxy(server.port);
    const options = { timeoutMs: 30_000, warn() {} };
    const direct = await openPostgresLimiter({ ...options, url });
    const limiter = await openPostgresLimiter({
      ...options,
      url: url.replace(`:${server.port}/`, `:${proxy.port}/`),
    });
    const limit = limitOf("sum", 100, 3_600_000);
    const left = async () => (await direct.take([{ limit, cost: 0 }])).states[0]!.remaining;
    let expected = 100;
    for (const when of ["before", "after"] as const) {
      const charges = [{ limit, cost: 10, lease: when }];
      await limiter.take([{ limit, cost: 30, lease: when }]);
      proxy.cut(when);
      await assertRejects(() => limiter.settle(charges, when), StoreError);
      assertEquals(await left(), when === "before" ? expected - 30 : expected - 10);
      proxy.cut(undefined);
      await waitUntil(
        "the connection",
        () => limiter.settle(charges, when).then(() => true, () => false),
      );
      assertEquals(await left(), expected -= 10, when);
    }
    // As another one, which happens to be equal.
    await limiter.settle([{ limit, cost: 10, lease: "after" }]);
    assertEquals(await left(), expected - 10);
    await limiter.close();
    await direct.close();
    await proxy.close();
  },
});

Deno.test({
  ...skippedFor(NO_POSTGRES, "limits of the first version of the tables are kept"),
  async fn() {
    await using database = await createDatabase();
    const options = { url: database.url, timeoutMs: 30_000, warn() {}, now: () => START };
    await (await openPostgresLimiter(options)).close();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(`
      drop table o1_api.limit_values;
      drop function o1_api.save_limit_values;
      delete from o1_api.migrations where version > 1;
      create table o1_api.limits (
        name text collate "C" primary key,
        level double precision not null,
        at double precision not null,
        held double precision not null,
        first_end double precision,
        last_end double precision,
        expires_at double precision not null
      );
      insert into o1_api.limits values
        ('sum:alice sum', 7.25, ${START + 60_000}, 0, null, null, ${START + 60_000});
    `);
    const limiter = await openPostgresLimiter(options);
    const limit = limitOf("sum", 10);
    const { states } = await limiter.take([{ limit, cost: 1 }]);
    assertEquals(states[0]!.remaining, 1.75);
    // Servers of the first version still use it.
    assertEquals((await client.query("select level from o1_api.limits")).rows, [{ level: 7.25 }]);
    await client.end();
    await limiter.close();
  },
});
