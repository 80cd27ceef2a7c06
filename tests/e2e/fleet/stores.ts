/** The stores of a fleet, which lose nothing that they have acknowledged. */
import { Redis } from "ioredis";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { freePort } from "../../support/port.ts";
import { startPostgres } from "../../support/stores/postgres.ts";
import { type RedisServer, startRedis } from "../../support/stores/redis.ts";
import { startRedisSentinels } from "../../support/stores/redis_topologies.ts";
import { waitUntil } from "../../support/wait.ts";

export interface FleetStore extends AsyncDisposable {
  /** Undefined if it is on several. */
  port?: number;
  /** The setting `store`, over another port if one is given. */
  urlAt(port?: number): string;
  openLimiter(): Promise<Limiter>;
  /** It accepts connections, but does not answer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it without a warning. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

export async function startRedisStore(): Promise<FleetStore> {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const args = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "always"];
  let redis = await startRedis({ port, args });
  const urlAt = (other = port) => `redis://127.0.0.1:${other}`;
  return {
    port,
    urlAt,
    openLimiter: () => openRedisLimiter({ url: urlAt(), warn() {} }),
    pause: () => redis.kill("SIGSTOP"),
    resume: () => redis.kill("SIGCONT"),
    crash: () => redis.kill("SIGKILL"),
    async start() {
      redis = await startRedis({ port, args });
    },
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A master, a replica and three Sentinels: a pause and a crash of the master are failovers. */
export async function startSentinelStore(): Promise<FleetStore> {
  const redis = await startRedisSentinels({ failoverMs: 500 });
  const nodes = [redis.master, redis.replica];
  let master = redis.master;

  async function ask<T>({ port }: RedisServer, question: (raw: Redis) => Promise<T>): Promise<T> {
    const raw = new Redis({ port, lazyConnect: true, disconnectTimeout: 20 });
    try {
      return await question(raw);
    } finally {
      raw.disconnect();
    }
  }
  const isMaster = (node: RedisServer) =>
    ask(node, async (raw) => (await raw.info("replication")).includes("role:master"));
  const requireReplicas = (node: RedisServer, count: number) =>
    ask(node, async (raw) => {
      await raw.config("SET", "min-replicas-to-write", count);
      await raw.config("SET", "min-replicas-max-lag", 2);
    });
  // Otherwise a paused master acknowledges what it loses when it learns of the failover.
  for (const node of nodes) await requireReplicas(node, 1);
  /** Waits until the other node has taken over. */
  async function failOver(): Promise<void> {
    const other = nodes.find((node) => node !== master)!;
    await waitUntil("a failover", () => isMaster(other));
    master = other;
  }
  return {
    urlAt: () => redis.url,
    openLimiter: () => openRedisLimiter({ url: redis.url, warn() {} }),
    pause: () => master.kill("SIGSTOP"),
    async resume() {
      const paused = master;
      await failOver();
      await paused.kill("SIGCONT");
      await waitUntil("the old master to follow", async () => !await isMaster(paused));
    },
    crash: () => master.kill("SIGKILL"),
    async start() {
      await failOver();
      await requireReplicas(master, 0);
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

export async function startPostgresStore(): Promise<FleetStore> {
  const postgres = await startPostgres();
  const database = await postgres.createDatabase();
  const urlAt = (port = postgres.port) =>
    postgres.urlOf(database).replace(`:${postgres.port}/`, `:${port}/`);
  return {
    port: postgres.port,
    urlAt,
    openLimiter: () => openPostgresLimiter({ url: urlAt(), warn() {} }),
    pause: () => postgres.signalAll("SIGSTOP"),
    resume: () => postgres.signalAll("SIGCONT"),
    crash: () => postgres.stop("SIGQUIT"),
    start: postgres.start,
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}
