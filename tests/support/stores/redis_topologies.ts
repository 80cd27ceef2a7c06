/** Redis as a fleet runs it: a Cluster, a master with Sentinels, and a server with TLS. */
import { Redis, type RedisOptions } from "ioredis";
import { DISCONNECT_MS } from "../../../lib/store/redis/client.ts";
import { freePort } from "../port.ts";
import { NO_REDIS, type RedisServer, startRedis } from "./redis.ts";
import { reasonWithout } from "../skip.ts";
import { waitUntil } from "../wait.ts";

/**
 * Also of connections to Sentinels and of a Cluster's subscriber, which take no such option. On a busy
 * machine, the timer of a connection with ioredis' default of 2 s would outlive its test.
 */
(Redis as unknown as { defaultOptions: RedisOptions }).defaultOptions.disconnectTimeout =
  DISCONNECT_MS;

const SLOTS = 16_384;
const MASTERS = 3;

/** The rule of docs/operations.md, without the user's name and password. */
export const ACL_RULE =
  "~o1:* &o1:* -@all +auth +select +info +cluster|slots +asking +eval +evalsha +time +publish +subscribe +unsubscribe +mget +set +del +hmget +hset +pexpire +persist +zadd +zrem +zrangebylex +zrevrangebylex +zrangebyscore";

/** Why tests with TLS are skipped, or undefined if they run. */
export const NO_OPENSSL = NO_REDIS ?? reasonWithout("openssl");

export interface RedisNode {
  server: RedisServer;
  /** A connection for the test. */
  raw: Redis;
  id: string;
}

export interface RedisCluster extends AsyncDisposable {
  url: string;
  /** The first three start as masters, each with a replica at the same place of the rest. */
  nodes: readonly RedisNode[];
}

export interface RedisSentinels extends AsyncDisposable {
  url: string;
  /** A connection of the test to the master. */
  raw: Redis;
  master: RedisServer;
  replica: RedisServer;
  sentinels: readonly RedisServer[];
}

const connect = (port: number, tls?: Certificates) =>
  new Redis({
    host: "127.0.0.1",
    port,
    lazyConnect: true,
    ...tls === undefined ? {} : { tls: { ca: tls.ca } },
  });

/** Arguments with which all connections are encrypted. */
const tlsArgs = (tls: Certificates | undefined) =>
  tls === undefined ? [] : [...tls.args, "--tls-cluster", "yes", "--tls-replication", "yes"];

export interface TopologyOptions {
  /** Time after which a master that does not answer is replaced. Default: none is. */
  failoverMs?: number;
  /** Default: no connection is encrypted. */
  certificates?: Certificates;
}

/** Ends servers, the connections to them, and removes their folder. */
async function end(
  folder: string,
  servers: readonly RedisServer[],
  raw: readonly Redis[],
): Promise<void> {
  for (const connection of raw) connection.disconnect();
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await new Promise((resolve) => setTimeout(resolve, 25));
  await Deno.remove(folder, { recursive: true });
}

/** Without a failover, so that a busy machine causes none. */
const NEVER_MS = 600_000;

/** Starts three masters and three replicas. */
export async function startRedisCluster(
  { failoverMs = NEVER_MS, certificates }: TopologyOptions = {},
): Promise<RedisCluster> {
  const folder = await Deno.makeTempDir();
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, async () => {
    const server = await startRedis({
      tls: certificates !== undefined,
      args: () => [
        ...tlsArgs(certificates),
        ...["--cluster-enabled", "yes", "--cluster-port", `${freePort()}`, "--dir", folder],
        ...[
          "--cluster-config-file",
          crypto.randomUUID(),
          "--cluster-node-timeout",
          `${failoverMs}`,
        ],
        ...["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"],
      ],
    });
    const raw = connect(server.port, certificates);
    return { server, raw, id: await raw.cluster("MYID") as string };
  }));
  const busPort = async (node: RedisNode) =>
    Number((await node.raw.config("GET", "cluster-port") as string[])[1]);
  const [first] = nodes as [RedisNode];
  for (const [i, { raw }] of nodes.entries()) {
    await raw.call("CLUSTER", "SET-CONFIG-EPOCH", `${i + 1}`);
    if (i >= MASTERS) continue;
    const [start, next] = [i, i + 1].map((n) => Math.floor(n * SLOTS / MASTERS));
    await raw.call("CLUSTER", "ADDSLOTSRANGE", `${start}`, `${next! - 1}`);
  }
  for (const node of nodes.slice(1)) {
    await first.raw.call("CLUSTER", "MEET", "127.0.0.1", node.server.port, await busPort(node));
  }
  const all = (isMet: (node: RedisNode) => Promise<boolean>) => async () =>
    (await Promise.all(nodes.map(isMet))).every((met) => met);
  await waitUntil(
    "the nodes to know each other",
    all(async ({ raw }) => {
      const known = await raw.cluster("NODES") as string;
      return nodes.every(({ id }) => known.includes(id)) && !known.includes("handshake");
    }),
  );
  for (const [i, { raw }] of nodes.slice(MASTERS).entries()) {
    await raw.cluster("REPLICATE", nodes[i]!.id);
  }
  await waitUntil(
    "the Cluster to be complete",
    all(async ({ raw }) => {
      const info = `${await raw.cluster("INFO")}${await raw.info("replication")}`;
      const isReplica = info.includes("role:slave");
      return info.includes("cluster_state:ok") &&
        (!isReplica || info.includes("master_link_status:up"));
    }),
  );
  const hosts = nodes.map(({ server }) => `127.0.0.1:${server.port}`);
  return {
    url: `redis${certificates === undefined ? "" : "s"}+cluster://${hosts.join(",")}`,
    nodes,
    [Symbol.asyncDispose]: () =>
      end(folder, nodes.map(({ server }) => server), nodes.map(({ raw }) => raw)),
  };
}

/** Starts a master, a replica and three Sentinels, which call the master `main`. */
export async function startRedisSentinels(
  { failoverMs = NEVER_MS, certificates }: TopologyOptions = {},
): Promise<RedisSentinels> {
  const folder = await Deno.makeTempDir();
  const tls = certificates !== undefined;
  const args = [...tlsArgs(certificates), "--dir", folder, "--repl-diskless-sync-delay", "0"];
  const master = await startRedis({ tls, args });
  const replica = await startRedis({
    tls,
    args: [...args, "--replicaof", "127.0.0.1", `${master.port}`],
  });
  const sentinels = await Promise.all(Array.from({ length: 3 }, async () => {
    const path = `${folder}/${crypto.randomUUID()}.conf`;
    await Deno.writeTextFile(
      path,
      `dir ${folder}
sentinel monitor main 127.0.0.1 ${master.port} 2
sentinel down-after-milliseconds main ${failoverMs}
sentinel failover-timeout main ${3 * failoverMs}
`,
    );
    return await startRedis({
      tls,
      args: [path, "--sentinel", ...tlsArgs(certificates)],
      ready: "Sentinel ID is",
    });
  }));
  const raw = [master, ...sentinels].map(({ port }) => connect(port, certificates));
  await waitUntil(
    "the Sentinels to know each other and the replica",
    async () => {
      const masters = await Promise.all(
        raw.slice(1).map((sentinel) => sentinel.call("SENTINEL", "MASTER", "main")),
      ) as string[][];
      return masters.every((fields) => {
        const field = (name: string) => fields[fields.indexOf(name) + 1];
        return field("num-other-sentinels") === "2" && field("num-slaves") === "1" &&
          field("flags") === "master";
      });
    },
  );
  const servers = [master, replica, ...sentinels];
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`);
  return {
    url: `redis${tls ? "s" : ""}+sentinel://${hosts.join(",")}/main`,
    raw: raw[0]!,
    master,
    replica,
    sentinels,
    [Symbol.asyncDispose]: () => end(folder, servers, raw),
  };
}

export interface Certificates extends AsyncDisposable {
  folder: string;
  /** The certificate of the authority, in PEM. */
  ca: string;
  /** Arguments of a redis-server that uses them. */
  args: string[];
}

/** Creates an authority, and a certificate of it for 127.0.0.1. */
export async function createCertificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir();
  const openssl = async (...args: string[]) => {
    const command = new Deno.Command("openssl", { args, cwd: folder, stderr: "piped" });
    const { success, stderr } = await command.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await Deno.writeTextFile(`${folder}/names`, "subjectAltName=IP:127.0.0.1\n");
  await openssl(
    ...["req", "-x509", ...key, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt"],
  );
  await openssl(...["req", ...key, "-subj", "/CN=redis", "-keyout", "redis.key", "-out", "csr"]);
  await openssl(
    ...["x509", "-req", "-in", "csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-days", "2", "-extfile", "names", "-out", "redis.crt"],
  );
  return {
    folder,
    ca: await Deno.readTextFile(`${folder}/ca.crt`),
    args: [
      ...["--tls-cert-file", `${folder}/redis.crt`, "--tls-key-file", `${folder}/redis.key`],
      ...["--tls-ca-cert-file", `${folder}/ca.crt`, "--tls-auth-clients", "no"],
    ],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
