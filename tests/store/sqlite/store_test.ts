import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openSqliteLimiter } from "../../../lib/store/sqlite/limiter.ts";
import { openSqliteStore } from "../../../lib/store/sqlite/store.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { longestPause } from "../../support/measure/noise.ts";
import { skippedFor } from "../../support/skip.ts";
import { acknowledged, problemsIn, startWriter } from "../processes.ts";

const now = () => Date.UTC(2026, 0, 1);
const key = (id: string) => ({ collection: "c", id });

/** Runs `test` with the path of a file that does not exist. */
function onFile(
  name: string,
  test: (path: string) => Promise<void>,
  skipReason?: string,
): void {
  Deno.test({
    ...skippedFor(skipReason, name),
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        await test(`${dir}/store.db`);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

onFile("only the owner can read the file and its companions", async (path) => {
  const store = await openSqliteStore({ path, now });
  await store.write([{ key: key("a"), value: "1" }]);
  for (const suffix of ["", "-wal", "-shm"]) {
    assertEquals((await Deno.stat(path + suffix)).mode! & 0o777, 0o600, suffix);
  }
  await store.close();
  assertEquals([...Deno.readDirSync(path.replace("/store.db", ""))].length, 1);
}, Deno.build.os === "windows" ? "Windows has no file modes" : undefined);

onFile("a file with other tables, or that is no database, is left unchanged", async (path) => {
  await Deno.writeTextFile(path, "This is a letter, and no database.".repeat(100));
  const error = await assertRejects(() => openSqliteStore({ path, now }), Error, "Cannot open");
  assert(error.message.includes(path), error.message);
  assertEquals((await Deno.readTextFile(path)).slice(0, 16), "This is a letter");
  await Deno.remove(path);
  using database = new DatabaseSync(path);
  for (const version of [2, 7]) {
    database.exec(`pragma user_version = ${version}`);
    await assertRejects(
      () => openSqliteStore({ path, now }),
      Error,
      `the version of its tables is ${version}`,
    );
  }
  assertEquals(database.prepare("select count(*) n from sqlite_schema").get()?.n, 0);
  database.exec("pragma user_version = 1");
  await (await openSqliteStore({ path, now })).close();
  assertEquals(database.prepare("pragma user_version").get()?.user_version, 1);
});

onFile("charges delete the accounts of limits that are unused for a minute", async (path) => {
  let time = now();
  const limiter = await openSqliteLimiter({ path, now: () => time });
  const charge = (at: number, name: string) => {
    time = at;
    const limit = { key: name, kind: "sum", amount: 10, windowMs: 1_000 } as const;
    return limiter.take([{ limit, cost: 1 }]);
  };
  for (let i = 0; i < 15; i++) await charge(now(), `${i}`);
  await charge(now() + 60_999, "a");
  using database = new DatabaseSync(path);
  const accounts = database.prepare("select count(*) n from limits");
  assertEquals(accounts.get()?.n, 16);
  // 10 of them at a time.
  await charge(now() + 61_000, "b");
  assertEquals(accounts.get()?.n, 7);
  await charge(now() + 61_000, "c");
  assertEquals(accounts.get()?.n, 3);
  await limiter.close();
});

onFile("an account is deleted with the lease of a killed server", async (path) => {
  let time = now();
  const limiter = await openSqliteLimiter({ path, now: () => time });
  const take = (key: string) => {
    const limit = { key, kind: "sum", amount: 10, windowMs: 1_000 } as const;
    return limiter.take([{ limit, cost: 1, lease: key }]);
  };
  await take("lost");
  time += 120_000;
  await take("other");
  using database = new DatabaseSync(path);
  const keys = database.prepare("select key from limits order by key");
  assertEquals(keys.all().map(({ key }) => key), ["lease:other", "sum:other"]);
  await limiter.close();
});

onFile("a limit that is unused again leaves nothing", async (path) => {
  const limiter = await openSqliteLimiter({ path, now });
  const charges = (["rate", "sum", "sum"] as const).map((kind, i) => ({
    limit: { key: `${i}`, kind, amount: 10, windowMs: 1_000 },
    cost: 1,
    ...kind !== "rate" && { lease: "a" },
  }));
  using database = new DatabaseSync(path);
  const rows = () => database.prepare("select key from limits").all();
  await limiter.take(charges);
  assertEquals(rows().length, 4);
  await limiter.settle(charges.map((charge, i) => ({ ...charge, cost: i === 0 ? -1 : 0 })));
  assertEquals(rows(), []);
  await limiter.close();
});

onFile("a call that fails changes nothing, and the next one works", async (path) => {
  const limiter = await openSqliteLimiter({ path, now });
  const charges = ["a", "b"].map((key) => ({
    limit: { key, kind: "sum", amount: 10, windowMs: 1_000 } as const,
    cost: 4,
  }));
  using database = new DatabaseSync(path);
  database.exec("insert into limits values ('sum:b', 'no JSON', 9e15)");
  await assertRejects(() => limiter.settle(charges), StoreError, "JSON");
  database.exec("delete from limits");
  const { states } = await limiter.take(charges);
  assertEquals(states.map(({ remaining }) => remaining), [6, 6]);
  await limiter.close();
});

onFile("writes delete expired entries", async (path) => {
  let time = now();
  const store = await openSqliteStore({ path, now: () => time });
  for (let i = 0; i < 150; i++) {
    await store.write([{ key: key(`${i}`), value: "x", ttlMs: 1_000 }]);
  }
  time += 1_000;
  const rows = () => {
    using database = new DatabaseSync(path);
    return database.prepare("select count(*) n from entries").get()?.n;
  };
  assertEquals(rows(), 150);
  await store.write([{ key: key("a"), value: "1" }]);
  assertEquals(rows(), 51);
  await store.write([{ key: key("b"), value: "1" }]);
  assertEquals(rows(), 2);
  await store.close();
});

onFile("opening waits while another process has locked the new file", async (path) => {
  using other = new DatabaseSync(path);
  other.exec("begin exclusive; create table other (n)");
  const opening = openSqliteStore({ path, now }).then(
    (store) => store.close().then(() => "opened"),
    (error) => error.message,
  );
  for (let turn = 0; turn < 100; turn++) await Deno.stat(path);
  other.exec("commit");
  assertEquals(await opening, "opened");
});

onFile("four processes can open a new file together and write to it", async (path) => {
  const writers = ["a", "b", "c", "d"].map((name) => startWriter(path, name, 100));
  const ids = (await Promise.all(writers.map((writer) => acknowledged(writer)))).flat();
  assertEquals(ids.length, 400);
  assertEquals(await problemsIn(path, ids), []);
});

onFile("writing and reading a value of 20 MB does not block the event loop", async (path) => {
  const store = await openSqliteStore({ path, now });
  const value = "漢é".repeat(4_000_000);
  // The part of each action's time in which no timer fired. Other programs may pause any of them.
  const write: number[] = [];
  const read: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    for (
      const [parts, action] of [
        [write, () => store.write([{ key: key("a"), value }])],
        [
          read,
          async () => assertEquals((await store.get([key("a")]))[0]!.value.length, value.length),
        ],
      ] as const
    ) {
      const start = performance.now();
      const pause = await longestPause(action);
      parts.push(pause / (performance.now() - start));
    }
  }
  const [entry] = await store.get([key("a")]);
  assert(entry!.value === value);
  await store.close();
  assert(Math.min(...write) < 0.25, `writing: ${write}`);
  assert(Math.min(...read) < 0.25, `reading: ${read}`);
});

onFile("calls are rejected once the thread of the database has failed", async (path) => {
  const { Worker } = globalThis;
  const threads: Worker[] = [];
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      threads.push(this);
    }
  };
  const store = await openSqliteStore({ path, now }).finally(() => globalThis.Worker = Worker);
  const failure = new ErrorEvent("error", { message: "out of memory", cancelable: true });
  threads[0]!.dispatchEvent(failure);
  // Otherwise the whole process would exit.
  assert(failure.defaultPrevented);
  const error = await assertRejects(() => store.get([key("a")]), StoreError);
  assert(error.cause instanceof Error && error.cause.message.includes("out of memory"));
});

onFile("a closed store rejects calls", async (path) => {
  const store = await openSqliteStore({ path, now });
  await Promise.all([store.close(), store.close()]);
  const error = await assertRejects(() => store.get([key("a")]), StoreError);
  assertEquals(error.message, "The database is closed");
});
