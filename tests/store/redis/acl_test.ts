import { assert, assertEquals } from "@std/assert";
import { Redis } from "ioredis";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { ACL_RULE } from "../../support/stores/redis_topologies.ts";
import { skippedFor } from "../../support/skip.ts";
import { LIMIT_MS, waitUntil } from "../../support/wait.ts";

Deno.test("docs/operations.md has the rule that the tests use", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/operations.md", import.meta.url));
  const quoted = ACL_RULE.replace(/\S*[~&|]\S*/g, "'$&'");
  assert(page.includes(quoted), quoted);
});

/** Uses everything of a store and a limiter; throws if something fails, or no notice comes in time. */
async function useAll(url: string, limitMs = LIMIT_MS, onOpen = () => {}): Promise<void> {
  const options = { url, timeoutMs: LIMIT_MS, warn() {} };
  const store = await openRedisStore(options);
  const watching = await openRedisStore(options);
  const limiter = await openRedisLimiter(options).catch(async (error) => {
    await Promise.all([store.close(), watching.close()]);
    throw error;
  });
  try {
    onOpen();
    let notified = 0;
    watching.watch("c/a", () => void notified++);
    const key = (id: string) => ({ collection: "c/a", id });
    for (const id of ["1", "2", "3"]) await store.write([{ key: key(id), value: id, ttlMs: 1 }]);
    await waitUntil(
      "a notification",
      async () => {
        await store.write([{ key: key("4"), value: "", ttlMs: 60_000, notify: true }]);
        // The first one comes when it is connected.
        return notified >= 2;
      },
      undefined,
      limitMs,
    );
    await store.write([{ key: key("4"), value: "" }]);
    await store.write([{ key: key("5"), delete: true }]);
    for (const reverse of [true, false]) {
      assertEquals((await store.list({ collection: "c/a", limit: 9, reverse })).length, 1);
    }
    await store.now();
    const rate = { key: "a", kind: "rate", amount: 2, windowMs: 1_000 } as const;
    const sum = { key: "a", kind: "sum", amount: 2, windowMs: 1_000 } as const;
    const parallel = { key: "parallel", kind: "sum", amount: 1, windowMs: 60_000 } as const;
    const charges = [
      { limit: rate, cost: 1 },
      { limit: sum, cost: 1, lease: "a" },
      { limit: parallel, cost: 1, lease: "a" },
    ];
    assert((await limiter.take(charges)).ok);
    assert(!(await limiter.take([{ limit: parallel, cost: 1, lease: "b" }])).ok);
    await limiter.take([{ limit: parallel, cost: 0 }]);
    await limiter.renew(charges.slice(1));
    await limiter.settle(charges.map((charge) => ({ ...charge, cost: -1 })));
  } finally {
    await Promise.all([limiter.close(), store.close(), watching.close()]);
  }
}

/** Commands without which nothing fails, but ioredis warns or Redis of another version needs them. */
const UNNOTICED = [
  "+auth",
  "+select",
  "+info",
  "+cluster|slots",
  "+asking",
  "+unsubscribe",
];

Deno.test({
  ...skippedFor(NO_REDIS, "a user of Redis needs exactly the rule"),
  async fn() {
    await using redis = await startRedis();
    const raw = new Redis(redis.url, { disconnectTimeout: 20 });
    const url = redis.url.replace("//", "//app:secret@");
    const rules = ACL_RULE.split(" ");
    const setRules = async (rules: readonly string[]) =>
      void await raw.acl("SETUSER", "app", "reset", "on", ">secret", ...rules);
    await setRules(rules);
    await useAll(url);
    const dispensable: string[] = [];
    const missedLate: string[] = [];
    for (const rule of rules.filter((rule) => /^[+~&]/.test(rule) && !UNNOTICED.includes(rule))) {
      await raw.flushall();
      await setRules(rules.filter((other) => other !== rule));
      await useAll(url, 500, () => missedLate.push(rule)).then(
        () => dispensable.push(rule),
        () => {},
      );
    }
    assertEquals(dispensable, []);
    // Without notices, a server reads from time to time.
    assertEquals(missedLate, ["&o1:*", "+publish", "+subscribe"]);
    raw.disconnect();
  },
});
