import type { Cluster, Redis } from "ioredis";
import { reconnectDelayMs } from "../server_errors.ts";
import type { RedisAddress } from "./address.ts";

export type RedisClient = Redis | Cluster;

export interface ClientOptions {
  timeoutMs: number;
  /** Certificates in PEM that TLS trusts, besides the public ones. */
  ca: string | undefined;
  /** Lua scripts by name. */
  scripts: Readonly<Record<string, string>>;
  /** Returns whether it was ever connected; if not, it does not try Sentinels again. */
  hasConnected: () => boolean;
}

const TRY_AGAIN_MS = 100;

/** How long the server may take to close a socket after its last answer. */
export const DISCONNECT_MS = 10;

/** Creates a client that connects on `connect`. */
export async function createClient(
  address: RedisAddress,
  { timeoutMs, ca, scripts, hasConnected }: ClientOptions,
): Promise<RedisClient> {
  const { Cluster, Redis } = await import("ioredis");
  const { kind, hosts, username, password, db, master, sentinelUsername, sentinelPassword } =
    address;
  const tls = address.tls ? ca === undefined ? {} : { ca } : undefined;
  const definitions = Object.fromEntries(
    Object.entries(scripts).map(([name, lua]) => [name, { lua }]),
  );
  const connection = {
    protocol: 2 as const,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A server that hangs closes no connection. The next one may be to another master.
    socketTimeout: 2 * timeoutMs,
    // A command must not run twice, so it fails when the connection is lost.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disconnectTimeout: DISCONNECT_MS,
    disableClientInfo: true,
    ...username === undefined ? {} : { username },
    ...password === undefined ? {} : { password },
    ...tls === undefined ? {} : { tls },
  };
  if (kind === "cluster") {
    const cluster = new Cluster([...hosts], {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      // As above: a command that was sent must not be sent again, nor after it has timed out.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      clusterRetryStrategy: reconnectDelayMs,
      // ioredis would go on with it if it is closed during a refresh.
      slotsRefreshInterval: 0,
      // While a slot moves, a command is tried twice in this time, until it times out.
      retryDelayOnTryAgain: TRY_AGAIN_MS,
      maxRedirections: Math.ceil(2 * timeoutMs / TRY_AGAIN_MS),
      // Certificates are issued for host names, so they are not resolved to addresses here.
      ...tls === undefined ? {} : { dnsLookup: (name, callback) => callback(null, name) },
      scripts: definitions,
      redisOptions: connection,
    });
    // Without READONLY, a replica redirects instead of answering with old data.
    cluster.on("+node", (node: Redis) => void (node.readonly = () => Promise.resolve("OK")));
    return cluster;
  }
  return new Redis({
    ...connection,
    lazyConnect: true,
    retryStrategy: reconnectDelayMs,
    scripts: definitions,
    ...db === undefined ? {} : { db },
    ...kind === "single" ? hosts[0]! : {
      sentinels: [...hosts],
      name: master!,
      ...sentinelUsername === undefined ? {} : { sentinelUsername },
      ...sentinelPassword === undefined ? {} : { sentinelPassword },
      ...tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true },
      sentinelCommandTimeout: timeoutMs,
      sentinelRetryStrategy: (attempt) => hasConnected() ? reconnectDelayMs(attempt) : null,
      // A master that has become a replica need not close its connections.
      reconnectOnError: ({ message }) => message.startsWith("READONLY"),
    },
  });
}
