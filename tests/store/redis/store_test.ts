import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Redis } from "ioredis";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { key, set, valueOf } from "../contract.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";

const START = Date.UTC(2026, 0, 1);
const PASSWORD = "geh/eim&1";

function optionsOf(url: string, warnings: string[] = []) {
  return {
    url,
    now: () => START,
    // Only for a server that never answers; others may take long on a busy machine.
    timeoutMs: 30_000,
    warn: (line: string) => void warnings.push(line),
  };
}

function withRedis(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...skippedFor(NO_REDIS, name), fn });
}

withRedis("the right password opens Redis, and no error contains it", async () => {
  await using redis = await startRedis({ args: ["--requirepass", PASSWORD] });
  const url = (password: string) =>
    redis.url.replace("//", `//${password && `:${encodeURIComponent(password)}@`}`);
  const store = await openRedisStore(optionsOf(url(PASSWORD)));
  assert(await store.write([set("a")]));
  await store.close();
  for (const [wrong, reason] of [["", "NOAUTH"], [`${PASSWORD}2`, "WRONGPASS"]] as const) {
    const error = await assertRejects(() => openRedisStore(optionsOf(url(wrong))), Error, reason);
    const text = Deno.inspect(error, { depth: 9, showHidden: true });
    assert(!text.includes("geh"), text);
  }
});

/** Asserts that opening Redis fails for the reason, with an error that contains no secret. */
async function assertRefused(url: string, reason: string): Promise<void> {
  const error = await assertRejects(() => openRedisStore(optionsOf(url)), Error, reason);
  const text = Deno.inspect(error, { depth: 9, showHidden: true });
  assert(!text.includes("geh"), text);
}

withRedis("a password that Redis repeats in an error is removed from it", async () => {
  // Redis answers a command that it lacks with the first 128 characters of its arguments.
  await using redis = await startRedis({ args: ["--rename-command", "AUTH", ""] });
  for (const password of [PASSWORD, `geh${"x".repeat(300)}`]) {
    const encoded = encodeURIComponent(password);
    await assertRefused(redis.url.replace("//", `//:${encoded}@`), "unknown command 'auth'");
    await assertRefused(
      redis.url.replace("//", `//geh-user:${encoded}@`),
      "unknown command 'auth'",
    );
    await assertRefused(`${redis.url}?password=${encoded}`, "unknown command 'auth'");
  }
});

Deno.test("a user name and a password that a proxy repeats in an error are removed from it", async () => {
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = (async () => {
    for await (const client of proxy) {
      await waitFor("a command", client.read(new Uint8Array(1024)));
      await client.write(new TextEncoder().encode(`-ERR geh-user, ${PASSWORD} is wrong\r\n`));
      client.close();
    }
  })();
  const { port } = proxy.addr;
  const user = `geh-user:${encodeURIComponent(PASSWORD)}`;
  await assertRefused(`redis://${user}@127.0.0.1:${port}`, "ERR …, … is wrong");
  proxy.close();
  await answered;
});

withRedis("a start warns of a Redis that may delete what has no expiry", async () => {
  await using redis = await startRedis();
  const admin = new Redis(redis.url);
  for (
    const [policy, warned] of [
      ["noeviction", false],
      ["volatile-lru", false],
      ["allkeys-lru", true],
      ["allkeys-random", true],
    ] as const
  ) {
    await admin.config("SET", "maxmemory-policy", policy);
    const warnings: string[] = [];
    const store = await openRedisStore(optionsOf(redis.url, warnings));
    await store.close();
    const expected = `its maxmemory-policy is ${policy}. Set it to noeviction.`;
    assertEquals(warnings.map((text) => text.endsWith(expected)), warned ? [true] : []);
  }
  await admin.quit();
});

withRedis("a missing server and a silent one are reported within the timeout", async () => {
  await using redis = await startRedis();
  await redis.kill("SIGSTOP");
  const url = redis.url.replace("//", `//:${encodeURIComponent(PASSWORD)}@`);
  const warnings: string[] = [];
  const silent = await assertRejects(
    () => openRedisStore({ ...optionsOf(url, warnings), timeoutMs: 300 }),
    Error,
    "Cannot use Redis at 127.0.0.1:",
  );
  await redis.kill("SIGKILL");
  const refused = await assertRejects(
    () => openRedisStore(optionsOf(url, warnings)),
    Error,
    "ECONNREFUSED",
  );
  // No connection is lost that never was.
  assertEquals(warnings, []);
  for (const error of [silent, refused]) {
    const text = Deno.inspect(error, { depth: 9, showHidden: true });
    assert(!text.includes("geh"), text);
  }
});

withRedis("commands fail while the connection is lost, until it is restored", async () => {
  const first = await startRedis();
  const warnings: string[] = [];
  const store = await openRedisStore(optionsOf(first.url, warnings));
  const limiter = await openRedisLimiter(optionsOf(first.url));
  const limit = { key: "a", kind: "sum" as const, amount: 10, windowMs: 1_000 };
  assert(await store.write([set("a", "1")]));
  await first.kill("SIGKILL");
  for (let i = 0; i < 3; i++) {
    const error = await assertRejects(
      () => store.write([set("secret", "text")]),
      Error,
      "Cannot use Redis",
    );
    const text = Deno.inspect(error, { depth: 9, showHidden: true });
    assert(!text.includes("text"), text);
    await assertRejects(() => limiter.take([{ limit, cost: 1 }]), Error, "Cannot use Redis");
  }
  await waitUntil("an attempt in vain", () => warnings.length >= 2);
  {
    await using _second = await startRedis({ port: first.port });
    await waitUntil(
      "the store to reconnect",
      () => store.write([set("a", "2")]).catch(() => false),
    );
    assertEquals(await valueOf(store, "a"), "2");
    assertEquals(warnings.length, 3, warnings.join("\n"));
    assertMatch(warnings[0]!, /^The connection to Redis at 127.0.0.1:\d+ is lost; reconnecting$/);
    assertMatch(warnings[1]!, /^Cannot use Redis at 127.0.0.1:\d+: connect ECONNREFUSED/);
    assertMatch(warnings[2]!, /^The connection to Redis at 127.0.0.1:\d+ is restored$/);
    await waitUntil(
      "the limiter to reconnect",
      () => limiter.take([{ limit, cost: 1 }]).then(({ ok }) => ok, () => false),
    );
    await limiter.close();
  }
  // Closes during reconnection: the sanitizers find timers and sockets that remain.
  await assertRejects(() => store.get([key("a")]));
  await store.close();
  await assertRejects(() => store.get([key("a")]), Error, "it is closed");
});

withRedis("a watch that begins while the server hangs is called once it is replaced", async () => {
  const first = await startRedis();
  const store = await openRedisStore(optionsOf(first.url));
  const calls = { before: 0, meanwhile: 0 };
  const watch = (name: keyof typeof calls) => store.watch(name, () => void calls[name]++);
  /** Waits for watches that are called for changes of another store. */
  async function waitForCalls(url: string, names: readonly (keyof typeof calls)[]): Promise<void> {
    const other = await openRedisStore(optionsOf(url));
    const past = { ...calls };
    await waitUntil(`calls of ${names}`, async () => {
      for (const name of names) {
        await other.write([{ key: key("1", name), value: "1", notify: true }]);
      }
      return names.every((name) => calls[name] > past[name]);
    });
    await other.close();
  }
  watch("before");
  await waitForCalls(first.url, ["before"]);
  await first.kill("SIGSTOP");
  watch("meanwhile");
  await first.kill("SIGKILL");
  await using second = await startRedis({ port: first.port });
  // Once for the messages that it may have missed.
  await waitUntil("the connection", () => calls.meanwhile > 0);
  await waitForCalls(second.url, ["before", "meanwhile"]);
  await store.close();
});

withRedis(
  "a command fails while the server is stopped, and works once it continues",
  async () => {
    await using redis = await startRedis();
    // With the time of Redis, so that writes have a deadline.
    const store = await openRedisStore({ url: redis.url, timeoutMs: 4_000, warn() {} });
    assertAlmostEquals(await store.now(), Date.now(), 60_000);
    await redis.kill("SIGSTOP");
    await assertRejects(() => store.write([set("a", "1")]), Error, "timed out");
    await redis.kill("SIGCONT");
    await waitUntil("an answer", () => store.write([set("b", "2")]).catch(() => false));
    assertEquals(await valueOf(store, "a"), undefined, "what has timed out has no effect later");
    assertEquals(await valueOf(store, "b"), "2");
    await store.close();
  },
);

withRedis("what Redis answers is reported once, without secrets", async () => {
  await using redis = await startRedis({ args: ["--requirepass", PASSWORD] });
  const raw = new Redis(redis.url, { password: PASSWORD, disconnectTimeout: 20 });
  const warnings: string[] = [];
  const url = redis.url.replace("//", `//:${encodeURIComponent(PASSWORD)}@`);
  const store = await openRedisStore(optionsOf(url, warnings));
  const limiter = await openRedisLimiter(optionsOf(url));
  await raw.replicaof("127.0.0.1", "1");
  for (let i = 0; i < 3; i++) {
    const error = await assertRejects(() => store.write([set("a")]), StoreError);
    assertEquals(error.code, "READONLY");
    await store.get([key("a")]);
  }
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assertMatch(warnings[0]!, /: READONLY You can't write against a read only replica/);
  await raw.replicaof("NO", "ONE");
  await raw.config("SET", "requirepass", "another");
  await raw.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await waitUntil("the wrong password to be reported", () => warnings.length >= 3);
  assertMatch(warnings[1]!, /is lost/);
  assertMatch(warnings[2]!, /WRONGPASS/);
  await raw.config("SET", "requirepass", PASSWORD);
  await waitUntil("the connection", () => store.write([set("a")]).catch(() => false));
  assertMatch(warnings.at(-1)!, /is restored/);
  assert(!warnings.join().includes("geh"), warnings.join());
  await raw.quit();
  await store.close();
  await limiter.close();
});

withRedis("close waits for running commands", async () => {
  await using redis = await startRedis();
  const store = await openRedisStore(optionsOf(redis.url));
  const writes = Array.from({ length: 20 }, (_, i) => store.write([set(`${i}`)]));
  await store.close();
  assertEquals(new Set(await Promise.all(writes)), new Set([true]));
});

withRedis("close waits for a command that takes Redis long", async () => {
  await using redis = await startRedis();
  const store = await openRedisStore(optionsOf(redis.url));
  const other = new Redis(redis.url, { disconnectTimeout: 20 });
  await other.ping();
  // Redis serves nobody else meanwhile.
  const busy = other.eval("for i = 1, 2e7 do end return 1", 0);
  const write = store.write([set("a", "1")]);
  await store.close();
  assertEquals(await write, true);
  await busy;
  await other.quit();
});

withRedis("expired entries leave nothing in Redis, and all keys have the prefix", async () => {
  await using redis = await startRedis();
  let time = START;
  const options = { ...optionsOf(redis.url), now: () => time };
  const store = await openRedisStore(options);
  const limiter = await openRedisLimiter(options);
  const raw = new Redis(redis.url, { disconnectTimeout: 20 });
  for (let i = 0; i < 30; i++) {
    await store.write([{ ...set(`${i}`), ttlMs: 3_600_000 }]);
  }
  await store.write([{ ...set("permanent"), ttlMs: 3_600_000 }]);
  await store.write([set("permanent")]);
  const limit = { key: "a", kind: "sum" as const, amount: 10, windowMs: 1_000 };
  await limiter.take([{ limit, cost: 1, lease: "1" }]);
  const keys = await raw.keys("*");
  assertEquals(keys.length, 35);
  assert(keys.every((key) => key.startsWith("o1:")));
  assert(await raw.pttl("o1:entry:c\0" + "7") > 3_500_000);
  assertEquals(await raw.pttl("o1:entry:c\0permanent"), -1);
  assert(await raw.pttl("o1:limits:sum:a") > 0);
  await limiter.settle([{ limit, cost: 0, lease: "1" }]);
  time += 3_600_000;
  // A write removes 20 expired entries, a list all that it encounters.
  await store.write([set("permanent")]);
  assertEquals(await raw.zcard("o1:index:c"), 11);
  await store.list({ collection: "c", limit: 1 });
  assertEquals(await raw.zrange("o1:index:c", "0", "-1"), ["permanent"]);
  assertEquals((await raw.keys("*")).sort(), ["o1:entry:c\0permanent", "o1:index:c"]);
  // As if Redis had dropped an expired hash.
  await store.write([{ ...set("gone"), ttlMs: 3_600_000 }]);
  await raw.del("o1:entry:c\0gone");
  assertEquals((await store.list({ collection: "c", limit: 9 })).map(({ id }) => id), [
    "permanent",
  ]);
  assertEquals(await raw.zrange("o1:index:c", "0", "-1"), ["permanent"]);
  assertEquals((await raw.keys("*")).sort(), ["o1:entry:c\0permanent", "o1:index:c"]);
  await raw.quit();
  await limiter.close();
  await store.close();
});
