/**
 * What a server that cannot use its Redis says at the start.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "ioredis";
import type { RedisOptions } from "../../../lib/store/redis/connection.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import {
  ACL_RULE,
  createCertificates,
  NO_OPENSSL,
  startRedisCluster,
  startRedisSentinels,
} from "../../support/stores/redis_topologies.ts";
import { skippedFor } from "../../support/skip.ts";
import { LIMIT_MS } from "../../support/wait.ts";

/** Asserts that neither store nor limiter opens, with errors that contain no secret. */
async function assertRefused(options: Omit<RedisOptions, "warn">, reason: string): Promise<void> {
  for (const open of [openRedisStore, openRedisLimiter]) {
    // What never ends an attempt takes so long; others may take longer than usual on a busy machine.
    const opening = () => open({ ...options, timeoutMs: 10_000, warn() {} });
    const error = await assertRejects(opening, Error, reason);
    const text = Deno.inspect(error, { depth: 9, showHidden: true });
    assert(!/geheim|CERTIFICATE|\.crt/.test(text), text);
  }
}

// ioredis leaves timers of connections that failed.
const sanitizers = { sanitizeOps: false, sanitizeResources: false };

const rules = (keys: string) => ACL_RULE.replace("~o1:*", keys).split(" ");
const addUser = (raw: Redis, keys: string) =>
  raw.acl("SETUSER", "app", "reset", "on", ">geheim", ...rules(keys));

Deno.test({
  ...skippedFor(NO_REDIS, "a database that cannot be chosen is refused"),
  ...sanitizers,
  async fn() {
    await using redis = await startRedis({ args: ["--databases", "2"] });
    const raw = new Redis(redis.url, { disconnectTimeout: 20 });
    const url = redis.url.replace("//", "//app:geheim@");
    await addUser(raw, "~o1:*");
    await (await openRedisStore({ url: `${url}/1`, timeoutMs: LIMIT_MS, warn() {} })).close();
    await assertRefused({ url: `${url}/2` }, "ERR DB index is out of range");
    await raw.acl("SETUSER", "app", "-select");
    await assertRefused({ url: `${url}/1` }, "NOPERM");
    raw.disconnect();
  },
});

Deno.test({
  ...skippedFor(NO_REDIS, "a Redis Cluster that lacks a feature is refused with the reason"),
  ...sanitizers,
  async fn() {
    await using cluster = await startRedisCluster();
    const [node] = cluster.nodes;
    await assertRefused({ url: node!.server.url }, "begin the URL with redis+cluster://");
    await assertRefused(
      { url: cluster.url.replace("//", "//app:geheim@") },
      "WRONGPASS invalid username-password pair",
    );
    for (const { raw } of cluster.nodes) await addUser(raw, "~o1:{/*");
    const url = cluster.url.replace("//", "//app:geheim@");
    const options = { url, timeoutMs: LIMIT_MS, warn() {} };
    await (await openRedisStore(options)).close();
    await assertRejects(() => openRedisLimiter(options), Error, "NOPERM");
    for (const { raw } of cluster.nodes) await addUser(raw, "~other:*");
    await assertRefused({ url }, "NOPERM");
  },
});

Deno.test({
  ...skippedFor(NO_REDIS, "Redis with Sentinels that lacks a feature is refused with the reason"),
  ...sanitizers,
  async fn() {
    await using sentinels = await startRedisSentinels();
    await assertRefused(
      { url: sentinels.url.replace("main", "other") },
      "No such master with that name",
    );
    await assertRefused({ url: sentinels.url.replace("//", "//app:geheim@") }, "WRONGPASS");
    await assertRefused({ url: sentinels.sentinels[0]!.url }, "ERR unknown command");
    await assertRefused({ url: "redis+sentinel://127.0.0.1:1/main" }, "no Sentinel answers");
  },
});

Deno.test({
  ...skippedFor(NO_OPENSSL, "a certificate of an unknown authority is refused"),
  ...sanitizers,
  async fn() {
    await using own = await createCertificates();
    await using other = await createCertificates();
    await using redis = await startRedis({ args: own.args, tls: true });
    await assertRefused({ url: redis.url }, "certificate");
    await assertRefused({ url: redis.url, ca: other.ca }, "certificate");
    const options = { url: redis.url, ca: own.ca, timeoutMs: LIMIT_MS, warn() {} };
    const store = await openRedisStore(options);
    assertEquals(await store.write([{ key: { collection: "c", id: "a" }, value: "1" }]), true);
    await store.close();
  },
});

for (
  const [name, start] of [
    ["a Redis Cluster", startRedisCluster],
    ["Redis with Sentinels", startRedisSentinels],
  ] as const
) {
  Deno.test({
    ...skippedFor(NO_OPENSSL, `${name} with TLS is used with its authority only`),
    ...sanitizers,
    async fn() {
      await using certificates = await createCertificates();
      await using redis = await start({ certificates });
      await assertRefused({ url: redis.url }, "");
      const options = { url: redis.url, ca: certificates.ca, timeoutMs: LIMIT_MS, warn() {} };
      const store = await openRedisStore(options);
      const other = await openRedisStore(options);
      for (const owner of ["alice", "bob", "carol"]) {
        const key = { collection: `c/${owner}`, id: "a" };
        assertEquals(await store.write([{ key, value: owner }]), true);
        assertEquals((await other.get([key]))[0]?.value, owner);
      }
      await store.close();
      await other.close();
    },
  });
}
