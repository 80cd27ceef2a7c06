import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Limit } from "../../../lib/store/limiter.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { NO_REDIS } from "../../support/stores/redis.ts";
import { startRedisCluster, startRedisSentinels } from "../../support/stores/redis_topologies.ts";
import { skippedFor } from "../../support/skip.ts";
import { LIMIT_MS, waitUntil } from "../../support/wait.ts";

const FAILOVER_MS = 500;

const OWNERS = ["", "alice", "bob", "carol", "dan", "erin", "frank", "grace"];

// ioredis leaves the timer of a slots refresh from a node that does not answer.
const UNCHECKED = { sanitizeOps: false, sanitizeResources: false };

function withRedis(name: string, fn: () => Promise<void>, sanitizers: object = UNCHECKED): void {
  Deno.test({ ...skippedFor(NO_REDIS, name), ...sanitizers, fn });
}

const entryOf = (owner: string, id: string) => ({ collection: `c/${owner}`, id });

/** Writes and takes for all owners without a pause, until `stop`. */
async function startTraffic(url: string, timeoutMs: number) {
  const warnings: string[] = [];
  const options = { url, timeoutMs, warn: (line: string) => void warnings.push(line) };
  const [store, limiter] = [await openRedisStore(options), await openRedisLimiter(options)];
  const limit: Limit = { key: "a", kind: "rate", amount: 1e9, windowMs: 60_000 };
  const acknowledged = new Map<string, string>();
  let failures = 0;
  let isStopped = false;
  let rounds = 0;
  async function write(owner: string, round: number): Promise<void> {
    try {
      const value = `${round}`;
      if (await store.write([{ key: entryOf(owner, "a"), value }])) acknowledged.set(owner, value);
      await limiter.take([{ limit, cost: 1 }]);
    } catch {
      failures++;
    }
  }
  const traffic = (async () => {
    while (!isStopped) {
      const round = ++rounds;
      await Promise.all(OWNERS.map((owner) => write(owner, round)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    store,
    limiter,
    warnings,
    failures: () => failures,
    /** Whether a whole round succeeds. */
    async succeeds(): Promise<boolean> {
      const before = failures;
      const round = rounds;
      await waitUntil("the next round", () => rounds > round + 1);
      return failures === before;
    },
    async stop(): Promise<void> {
      isStopped = true;
      await traffic;
      for (const [owner, value] of acknowledged) {
        assertEquals((await store.get([entryOf(owner, "a")]))[0]?.value, value, owner);
      }
      await store.close();
      await limiter.close();
    },
  };
}

const ended = (kill: "SIGKILL" | "SIGSTOP") => kill === "SIGKILL" ? "is killed" : "hangs";

for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
  withRedis(`requests recover when the master behind Sentinels ${ended(signal)}`, async () => {
    await using sentinels = await startRedisSentinels({ failoverMs: FAILOVER_MS });
    const traffic = await startTraffic(sentinels.url, 1_000);
    await waitUntil("traffic", () => traffic.succeeds());
    assertEquals(await sentinels.raw.wait(1, LIMIT_MS), 1);
    await sentinels.master.kill(signal);
    await waitUntil("a failure", () => traffic.failures() > 0);
    await waitUntil("the new master to answer", () => traffic.succeeds());
    assert(traffic.warnings.some((line) => line.endsWith("is restored")), traffic.warnings.join());
    await traffic.stop();
  });

  withRedis(`requests recover when a master of a Cluster ${ended(signal)}`, async () => {
    await using cluster = await startRedisCluster({ failoverMs: FAILOVER_MS });
    const traffic = await startTraffic(cluster.url, 1_000);
    await waitUntil("traffic", () => traffic.succeeds());
    const master = cluster.nodes[1]!;
    assertEquals(await master.raw.wait(1, LIMIT_MS), 1);
    await master.server.kill(signal);
    await waitUntil("a failure", () => traffic.failures() > 0);
    await waitUntil("the replica to answer", () => traffic.succeeds());
    await traffic.stop();
  });
}

withRedis("a slot that moves to another master loses nothing, and nothing seems lost", async () => {
  await using cluster = await startRedisCluster();
  const store = await openRedisStore({ url: cluster.url, warn() {}, timeoutMs: 1_000 });
  // Tries in vain that end late would take long, and reads that end early could be too late.
  const patient = await openRedisStore({ url: cluster.url, warn() {}, timeoutMs: LIMIT_MS });
  const ids = Array.from({ length: 12 }, (_, i) => String(i).padStart(2, "0"));
  const keys = ids.map((id) => entryOf("alice", id));
  for (const key of keys) assert(await patient.write([{ key, value: key.id, ttlMs: 3_600_000 }]));

  const masters = cluster.nodes.slice(0, 3);
  const slot = await masters[0]!.raw.cluster("KEYSLOT", "{/alice}") as number;
  const counts = await Promise.all(
    masters.map(({ raw }) => raw.cluster("GETKEYSINSLOT", slot, 100) as Promise<string[]>),
  );
  const from = masters[counts.findIndex((found) => found.length > 0)]!;
  const to = masters.find((node) => node !== from)!;
  await to.raw.cluster("SETSLOT", slot, "IMPORTING", from.id);
  await from.raw.cluster("SETSLOT", slot, "MIGRATING", to.id);
  const moving = await from.raw.cluster("GETKEYSINSLOT", slot, 100) as string[];
  assertEquals(moving.length, ids.length + 2);

  /** A result, or undefined if the client tries in vain. */
  const attempt = <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((error) => {
      assertMatch(error.message, /Too many Cluster redirections|timed out/);
      return undefined;
    });
  for (const [moved, key] of moving.entries()) {
    await from.raw.call("MIGRATE", "127.0.0.1", to.server.port, key, "0", "5000");
    if (moved % 4 !== 0) continue;
    const [single, several, listed, written] = await Promise.all([
      Promise.all(keys.map((key) => patient.get([key]))),
      attempt(store.get(keys)),
      attempt(store.list({ collection: "c/alice", limit: 100 })),
      attempt(store.write([{ key: entryOf("alice", "new"), value: "new", ifVersion: null }])),
    ]);
    assertEquals(single.map(([entry]) => entry?.value), ids);
    if (several !== undefined) assertEquals(several.map((entry) => entry?.value), ids);
    if (listed !== undefined) assertEquals(listed.map(({ id }) => id), ids);
    assertEquals(written, undefined, "its entry could be on either master");
  }
  const waiting = openRedisStore({ url: cluster.url, warn() {}, timeoutMs: 30_000 });
  await using other = { store: await waiting, [Symbol.asyncDispose]: () => other.store.close() };
  const pending = other.store.write([{ key: entryOf("alice", "new"), value: "new" }]);
  for (const { raw } of [to, from, ...masters]) await raw.cluster("SETSLOT", slot, "NODE", to.id);
  assertEquals(await pending, true, "a write waits until the slot has moved");
  assertEquals((await patient.list({ collection: "c/alice", limit: 100 })).length, ids.length + 1);
  await store.close();
  await patient.close();
});

withRedis("a replica of a Cluster is never asked, so that nobody reads what is old", async () => {
  await using cluster = await startRedisCluster({ failoverMs: 2 * FAILOVER_MS });
  const store = await openRedisStore({ url: cluster.url, warn() {} });
  const key = entryOf("alice", "lease");
  assert(await store.write([{ key, value: "old" }]));
  const masters = cluster.nodes.slice(0, 3);
  const replicas = cluster.nodes.slice(3);
  for (const { raw } of replicas) {
    await raw.config("SET", "cluster-allow-reads-when-down", "yes");
    await raw.config("SET", "cluster-replica-no-failover", "yes");
    // Also after a reconnection.
    raw.options.readOnly = true;
    await raw.readonly();
  }
  const name = "o1:{/alice}:entry:c/alice\0lease";
  const valueAt = ({ raw }: typeof replicas[number]) =>
    raw.hget(name, "value").catch(({ message }) => message);
  await waitUntil(
    "a replica to have the entry",
    async () => (await Promise.all(replicas.map(valueAt))).includes("old"),
  );
  await Promise.all(masters.map(({ server }) => server.kill("SIGKILL")));
  let answers: unknown[] = [];
  await waitUntil(
    () => `a replica that would answer without a master: ${answers}`,
    async () => {
      answers = await Promise.all(replicas.map(async (replica) => {
        const info = await replica.raw.cluster("INFO") as string;
        return info.includes("cluster_state:fail") ? await valueAt(replica) : "ok";
      }));
      return answers.includes("old") && !answers.includes("ok");
    },
  );
  // Long enough for the client to connect to all replicas, and to ask each of them.
  const end = performance.now() + 1_500;
  await waitUntil("many reads in vain", async () => {
    await assertRejects(() => store.get([key]), StoreError);
    return performance.now() > end;
  });
  await store.close();
});

withRedis(
  "a store that is closed while it reads the slots of a Cluster leaves nothing behind",
  async () => {
    await using cluster = await startRedisCluster();
    const store = await openRedisStore({ url: cluster.url, warn() {} });
    for (const { server } of cluster.nodes) await server.kill("SIGSTOP");
    // It reads them every 2 s, and waits 1 s for each of the six nodes.
    const end = performance.now() + 2_500;
    await waitUntil("a read of the slots", () => performance.now() > end);
    await store.close();
    for (const { server } of cluster.nodes) await server.kill("SIGCONT");
  },
  {},
);
