/**
 * The tests of all stores and limiters on Redis as fleets run it: each is started once.
 *
 * @module
 */
import { Redis } from "ioredis";
import type { RedisOptions } from "../../../lib/store/redis/connection.ts";
import { type BackendKind, onRedis, selectBackends } from "../../support/stores/backends.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import {
  ACL_RULE,
  createCertificates,
  NO_OPENSSL,
  startRedisCluster,
  startRedisSentinels,
} from "../../support/stores/redis_topologies.ts";

interface Shared extends AsyncDisposable {
  options: Omit<RedisOptions, "warn">;
  /** Deletes everything. */
  flush(): Promise<unknown>;
}

function share(
  name: string,
  skipReason: string | undefined,
  start: () => Promise<Shared>,
): BackendKind {
  let shared: Shared;
  if (skipReason === undefined) {
    Deno.test.beforeAll(async () => void (shared = await start()));
    Deno.test.afterAll(async () => await shared[Symbol.asyncDispose]());
  }
  return {
    kind: "redis",
    name,
    skipReason,
    async start(now) {
      await shared.flush();
      return onRedis(shared.options, now, () => Promise.resolve());
    },
  };
}

selectBackends([
  share("a Redis Cluster", NO_REDIS, async () => {
    const cluster = await startRedisCluster();
    return {
      options: { url: cluster.url },
      flush: () => Promise.all(cluster.nodes.slice(0, 3).map(({ raw }) => raw.flushall())),
      [Symbol.asyncDispose]: cluster[Symbol.asyncDispose],
    };
  }),
  share("Redis with Sentinels", NO_REDIS, async () => {
    const sentinels = await startRedisSentinels();
    return {
      options: { url: sentinels.url },
      flush: () => sentinels.raw.flushall(),
      [Symbol.asyncDispose]: sentinels[Symbol.asyncDispose],
    };
  }),
  share("Redis with TLS and the least rights", NO_OPENSSL, async () => {
    const { folder, ca, args, [Symbol.asyncDispose]: end } = await createCertificates();
    await Deno.writeTextFile(
      `${folder}/users`,
      `user admin on nopass ~* &* +@all\nuser default off\nuser app on >secret ${ACL_RULE}\n`,
    );
    const redis = await startRedis({ args: [...args, "--aclfile", `${folder}/users`], tls: true });
    const raw = new Redis(redis.url.replace("//", "//admin:any@"), {
      tls: { ca },
      disconnectTimeout: 20,
    });
    return {
      options: { url: redis.url.replace("//", "//app:secret@"), ca },
      flush: () => raw.flushall(),
      async [Symbol.asyncDispose]() {
        raw.disconnect();
        await redis[Symbol.asyncDispose]();
        await end();
      },
    };
  }),
]);

await import("../contract_test.ts");
await import("../races_test.ts");
await import("../model_test.ts");
await import("../limiter_test.ts");
await import("../limiter_model_test.ts");
