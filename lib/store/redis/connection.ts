/**
 * A connection to Redis that runs scripts, fails in a bounded time and mends itself.
 *
 * @module
 */

/** How Redis is reached. */
export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS. */
  url: string;
  /**
   * How long a connection attempt or a command may take, in ms.
   *
   * @default {3_000}
   */
  timeoutMs?: number;
  /** Takes a line for people, whenever the connection is lost. */
  warn: (message: string) => void;
}

/** An open connection. */
export interface RedisConnection<Name extends string> {
  /**
   * Runs a script.
   *
   * @throws {Error} says what Redis, or the lack of it, says; it is then unknown what was done
   */
  run(name: Name, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Ends the connection; a second call does nothing. */
  close(): Promise<void>;
}

/** The longest wait before the next attempt to connect. */
const MAX_RECONNECT_MS = 1_000;

/** How long the other side has to close a socket; it has answered all by then, or never will. */
const DISCONNECT_MS = 10;

/** Enough of a message of Redis to know the fault. */
const MAX_MESSAGE_LENGTH = 200;

/**
 * Connects, and makes the Lua scripts known by their names.
 *
 * @throws {Error} where Redis can't be reached or refuses
 */
export async function openRedis<Name extends string>(
  { url, timeoutMs = 3_000, warn }: RedisOptions,
  scripts: Readonly<Record<Name, string>>,
): Promise<RedisConnection<Name>> {
  const { Redis } = await import("ioredis");
  const { hostname, port, username, password } = new URL(url);
  const place = `Redis at ${hostname}:${port || "6379"}`;
  const secrets = [password, username].flatMap((part) => [part, decodeURIComponent(part)])
    .filter((part) => part !== "" && part !== "default");
  let reason: unknown;
  let closed = false;
  let lost = false;

  const client = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A command that was under way must not run twice, and one that waits must hear of it.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, MAX_RECONNECT_MS),
    disconnectTimeout: DISCONNECT_MS,
    scripts: Object.fromEntries(
      Object.entries<string>(scripts).map(([name, lua]) => [name, { lua }]),
    ),
  });
  client.on("error", (error) => void (reason = error));
  client.on("ready", () => {
    reason = undefined;
    lost = false;
  });
  client.on("close", () => {
    if (!closed && !lost && opened) warn(`The connection to ${place} is lost; trying again`);
    lost = true;
  });
  let opened = false;

  /** The errors of ioredis hold the command with all that was written, and are kept from view. */
  function faultOf(error: unknown): Error {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const isLost = name === "MaxRetriesPerRequestError" || /^Connection is closed/.test(message);
    const known = isLost && reason instanceof Error ? reason.message : undefined;
    let text = known ?? (isLost ? "the connection is lost" : message);
    for (const secret of secrets) text = text.replaceAll(secret, "…");
    return new Error(`Cannot use ${place}: ${text.slice(0, MAX_MESSAGE_LENGTH)}`);
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    if (client.status === "ready") await client.quit().catch(() => {});
    client.disconnect();
    // Where the socket was closed before, ioredis leaves a timer of `disconnectTimeout` behind.
    await new Promise((resolve) => setTimeout(resolve, DISCONNECT_MS + 1));
  }

  try {
    await client.connect();
    await client.ping();
    opened = true;
  } catch (error) {
    await close();
    throw faultOf(error);
  }

  const commands = client as unknown as Record<
    Name,
    (numberOfKeys: number, ...rest: (string | number)[]) => Promise<unknown>
  >;
  return {
    async run(name, keys, args) {
      if (closed) throw new Error(`Cannot use ${place}: it is closed`);
      try {
        return await commands[name](keys.length, ...keys, ...args);
      } catch (error) {
        throw faultOf(error);
      }
    },
    close,
  };
}
