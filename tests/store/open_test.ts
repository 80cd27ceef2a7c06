import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openStores } from "../../lib/store/open.ts";
import { set, valueOf } from "./contract.ts";
import { NO_REDIS, startRedis } from "../support/stores/redis.ts";
import { skippedFor } from "../support/skip.ts";

const now = () => Date.UTC(2026, 0, 1);

/** Runs `test` in a temporary folder; `warnings` collects the warnings. */
function inFolder(
  name: string,
  test: (dir: string, warnings: string[]) => Promise<void>,
  skipReason?: string,
): void {
  Deno.test({
    ...skippedFor(skipReason, name),
    async fn() {
      const dir = await Deno.makeTempDir();
      const warnings: string[] = [];
      try {
        await test(dir, warnings);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

const optionsOf = (dir: string, warnings: string[] = []) => ({
  path: `${dir}/o1-api.db`,
  now,
  warn: (message: string) => void warnings.push(message),
  onDeploy: false,
});

const failingWith = (message: string) => () => Promise.reject(new Error(message));

for (
  const [setting, kind, file] of [
    ["auto", "sqlite", "o1-api.db"],
    ["sqlite", "sqlite", "o1-api.db"],
    ["sqlite:other.db", "sqlite", "other.db"],
    ["memory", "memory", undefined],
  ] as const
) {
  inFolder(
    `the setting ${setting} opens ${kind} ${file ?? "without a file"}`,
    async (dir, warnings) => {
      const options = optionsOf(dir, warnings);
      const { store, limiter } = await openStores(setting, options);
      assertEquals(store.kind, kind);
      assert(await store.write([set("a")]));
      const limit = { key: "a", kind: "sum" as const, amount: 1, windowMs: 1_000 };
      assert((await limiter.take([{ limit, cost: 1 }])).ok);
      await limiter.close();
      await store.close();
      assertEquals([...Deno.readDirSync(dir)].map((entry) => entry.name), file ? [file] : []);
      assertEquals(warnings, []);
      if (!file) return;
      const again = await openStores(setting, options);
      assertEquals(await valueOf(again.store, "a"), "a");
      await again.limiter.close();
      await again.store.close();
    },
  );
}

inFolder("auto falls back to memory with a warning, sqlite fails", async (dir, warnings) => {
  const options = { ...optionsOf(dir, warnings), path: `${dir}/none/o1-api.db` };
  const { store } = await openStores("auto", options);
  assertEquals(store.kind, "memory");
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /in memory only .*No such file/);
  await assertRejects(() => openStores("sqlite", options), Error, "No such file");
});

inFolder("auto fails if there is a file that cannot be opened", async (dir, warnings) => {
  const options = optionsOf(dir, warnings);
  await Deno.mkdir(options.path);
  await assertRejects(() => openStores("auto", options), Error, "To start without it, move the");
  assertEquals(warnings, []);
});

inFolder("a file whose limits cannot be read cannot be opened", async (dir) => {
  const options = optionsOf(dir);
  const database = new DatabaseSync(options.path);
  database.exec("create table limits (account text, expires_at real)");
  database.close();
  await assertRejects(() => openStores("sqlite", options), Error, "key");
});

for (
  const [name, openKv, reason, inMemory] of [
    ["is not attached", failingWith("no KV database is attached"), "is attached", true],
    [
      "fails for another reason",
      failingWith("the quota is used up"),
      "the quota is used up",
      false,
    ],
    ["is missing in the runtime", undefined, "--unstable-kv", true],
  ] as const
) {
  inFolder(
    `auto on Deno Deploy ${inMemory ? "uses memory" : "fails"} if Deno KV ${name}`,
    async (dir, warnings) => {
      const options = { ...optionsOf(dir, warnings), onDeploy: true };
      const original = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
      Object.defineProperty(Deno, "openKv", { configurable: true, value: openKv });
      try {
        if (inMemory) {
          assertEquals((await openStores("auto", options)).store.kind, "memory");
          assertEquals([warnings.length, warnings[0]?.includes(reason)], [1, true]);
        } else {
          await assertRejects(() => openStores("auto", options), Error, `${reason}. The server`);
        }
      } finally {
        Object.defineProperty(Deno, "openKv", original);
      }
    },
  );
}

Deno.test("the error for an unknown setting contains no password", async () => {
  for (
    const setting of [
      "redis//:geheim@host",
      "postgres://u:geheim@host",
      "",
      "redis://:geheim@[host",
      "redis://user:4711/geheim@127.0.0.1",
      "redis://user:4711?geheim@127.0.0.1",
      "rediss://user:4711#geheim@127.0.0.1",
      "redis://127.0.0.1,geheim",
      "redis://127.0.0.1/geheim",
      "redis://127.0.0.1?geheim=4711",
      "redis://:%geheim@127.0.0.1",
      "redis+cluster://user:4711/geheim@127.0.0.1",
      "redis+cluster://127.0.0.1/4711",
      "redis+cluster://127.0.0.1,geheim:x",
      "redis+sentinel://:geheim@127.0.0.1",
      "redis+sentinel://127.0.0.1/geheim/x",
      "redis+other://:geheim@127.0.0.1",
    ]
  ) {
    const error = await assertRejects(() => openStores(setting, optionsOf("/none")), TypeError);
    assert(!/geheim|4711/.test(error.message), error.message);
  }
});

inFolder("a redis URL opens Redis", async (dir) => {
  await using redis = await startRedis();
  const { store, limiter } = await openStores(`${redis.url}/1`, optionsOf(dir));
  assertEquals(store.kind, "redis");
  assert(await store.write([set("a")]));
  await store.close();
  await limiter.close();
}, NO_REDIS);
