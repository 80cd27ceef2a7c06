import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Redis } from "ioredis";
import { limitOf } from "../../../lib/server/limits/rules.ts";
import type { Limit } from "../../../lib/store/limiter.ts";
import { createRedisClock } from "../../../lib/store/redis/deadline.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { LIMIT_MS } from "../../support/wait.ts";

Deno.test("the estimated time of Redis is early by at most the duration of the fastest answer", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.array(
        fc.record({ wait: fc.nat(10_000), there: fc.nat(3_000), back: fc.nat(3_000) }),
        { minLength: 1 },
      ),
      (offset, answers) => {
        const clock = createRedisClock();
        let present = 0;
        let fastest = Infinity;
        for (const { wait, there, back } of answers) {
          const sentAt = present += wait;
          const readAt = present += there;
          present += back;
          clock.read(readAt + offset, sentAt, present);
          fastest = Math.min(fastest, there + back);
          const late = Number(clock.at(present)) - (present + offset);
          assert(late <= 0 && late >= -fastest, `${late} ms late`);
        }
      },
    ),
  );
});

Deno.test("the time of another Redis replaces that of the first", () => {
  for (const jump of [-90_000, 90_000]) {
    const clock = createRedisClock();
    assertEquals(clock.at(0), "");
    clock.read(1_005, 0, 10);
    assertEquals(clock.at(10), 1_005);
    clock.read(2_005 + jump, 1_000, 1_010);
    assertEquals(clock.at(1_010), 2_005 + jump);
  }
});

for (
  const [name, rules, reason] of [
    ["scripts", "~o1:* +@all -@scripting", "NOPERM"],
    ["its keys", "~other:* +@all", "NOPERM"],
    ["commands that write", "~o1:* +@all -@write", "can't run this command"],
  ] as const
) {
  Deno.test({
    ...skippedFor(NO_REDIS, `Redis is not opened for a user who may not use ${name}`),
    async fn() {
      await using redis = await startRedis();
      const admin = new Redis(redis.url, { disconnectTimeout: 20 });
      await admin.acl("SETUSER", "app", "on", ">secret", ...rules.split(" "));
      await admin.quit();
      const url = redis.url.replace("//", "//app:secret@");
      const options = { url, timeoutMs: LIMIT_MS, warn() {}, now: Date.now };
      await assertRejects(() => openRedisLimiter(options), Error, reason);
      if (name !== "commands that write") {
        await assertRejects(() => openRedisStore(options), Error, reason);
      }
    },
  });
}

Deno.test({
  ...skippedFor(NO_REDIS, "the three calls of a request with six limits take 12 commands"),
  async fn() {
    await using redis = await startRedis();
    const options = { url: redis.url, timeoutMs: LIMIT_MS, warn() {} };
    const limiter = await openRedisLimiter(options);
    const raw = new Redis(redis.url, { disconnectTimeout: 20 });
    const limits = ([
      ["parallel", "moment"],
      ["requests", "minute"],
      ["tokens", "minute"],
      ["tokens", "day"],
      ["usd", "day"],
      ["usd", "month"],
    ] as const).map(([measure, per]) =>
      limitOf({ client: "alice", measure, per, amount: 1e9 }, Date.UTC(2026, 0, 1))
    );
    const [parallel, requests, tokens, ...sums] = limits as [Limit, Limit, Limit, ...Limit[]];
    const request = async (lease: string) => {
      const read = [tokens, ...sums].map((limit) => ({ limit, cost: 0 }));
      const place = { limit: parallel, cost: 1, lease };
      await limiter.take([place, { limit: requests, cost: 1 }, ...read]);
      const reserved = sums.map((limit) => ({ limit, cost: 9, lease }));
      await limiter.take([{ limit: tokens, cost: 9 }, ...reserved]);
      await limiter.settle([place, { limit: tokens, cost: -2 }, ...reserved], lease);
    };
    await request("first");
    await raw.config("RESETSTAT");
    await request("second");
    const info = await raw.info("commandstats");
    const calls = info.matchAll(/cmdstat_(\w+):calls=(\d+)/g);
    const counts = Object.fromEntries([...calls].map(([, name, count]) => [name, Number(count)]));
    delete counts.config;
    assertEquals(counts, { evalsha: 3, time: 3, mget: 3, set: 6 });
    raw.disconnect();
    await limiter.close();
  },
});
