/** A connection to Redis that runs scripts, times out and reconnects. */
import { systemClock, within } from "../../clock.ts";
import { reportErrors, serverError } from "../server_errors.ts";
import { describeAddress, parseRedisUrl } from "./address.ts";
import { createClient, DISCONNECT_MS } from "./client.ts";

export interface RedisOptions {
  /** As `parseRedisUrl` takes it. */
  url: string;
  /** Certificates in PEM that TLS trusts, besides the public ones. */
  ca?: string | undefined;
  /**
   * Maximum duration of a connection attempt or a command.
   *
   * @default {CALL_MS}
   */
  timeoutMs?: number;
  /** Called when the connection is lost and restored, and with errors of Redis, without secrets. */
  warn: (message: string) => void;
  /** For tests only: returns a time that replaces that of Redis; calls then have no deadline. */
  now?: () => number;
}

/** First part of every key and channel. */
export const PREFIX = "o1:";

/** Interval between two reads of a Cluster's slots: a master that hangs sends no redirection. */
const REFRESH_MS = 2_000;

const LOST = "the connection is lost";

/** Errors of ioredis that only say that there is no connection. */
const OUTAGE_REGEXP =
  /^(Connection is closed|All sentinels .*Connection is closed|None of startup nodes|Cluster isn't ready|Failed to refresh slots|Too many Cluster redirections. Last error: Error: Connection is closed)/;

const codeOf = (error: unknown) => (error as { code?: string } | undefined)?.code;

/**
 * Connects and registers Lua scripts under their names.
 *
 * @throws {TypeError} if the URL is invalid
 * @throws {Error} if Redis cannot be reached or refuses the connection
 */
export async function openRedis<Name extends string>(
  { url, ca, timeoutMs, warn }: RedisOptions & { timeoutMs: number },
  scripts: Readonly<Record<Name, string>>,
) {
  const address = parseRedisUrl(url);
  const { username, password, sentinelUsername, sentinelPassword } = address;
  const place = describeAddress(address);
  const secrets = [password, username, sentinelPassword, sentinelUsername]
    .flatMap((secret) => secret === undefined ? [] : [secret, encodeURIComponent(secret)])
    .filter((secret) => secret !== "default");
  let lastError: unknown;
  let hasConnected = false;
  let isReady = false;
  let isLost = false;
  let isClosed = false;
  const report = reportErrors(warn);
  const running = new Set<Promise<unknown>>();
  let refreshTimer: ReturnType<typeof setInterval> | undefined;
  let refreshed: Promise<void> | undefined;

  const client = await createClient(address, {
    timeoutMs,
    scripts,
    hasConnected: () => hasConnected,
    ca,
  });
  client.on("error", (error: Error & { lastNodeError?: Error }) => {
    lastError = error.lastNodeError ?? error;
    if (isLost) report(redacted(error));
  });
  // One node of a Cluster can be lost while the others answer.
  client.on("node error", (error) => {
    lastError = error;
    if (isReady || isLost) report(redacted(error));
  });
  client.on("ready", () => {
    if (isLost) warn(`The connection to ${place} is restored`);
    lastError = undefined;
    hasConnected = true;
    isReady = true;
    isLost = false;
    if ("nodes" in client && !isClosed) {
      refreshTimer ??= setInterval(() => {
        refreshed = new Promise((resolve) => client.refreshSlotsCache(() => resolve()));
      }, REFRESH_MS);
    }
  });
  client.on("close", () => {
    if (isReady && !isClosed) {
      isLost = true;
      warn(`The connection to ${place} is lost; reconnecting`);
    }
    isReady = false;
  });

  /** A new error without secrets: those of ioredis contain the command and its arguments. */
  function redacted(error: unknown): Error {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const isOutage = name === "MaxRetriesPerRequestError" || OUTAGE_REGEXP.test(message);
    const cause = isOutage && lastError instanceof Error ? lastError.message : undefined;
    let text = cause ?? (isOutage ? LOST : message);
    text = text.replace(
      /^All sentinels .* Last error: (Connection is closed\.)?/s,
      (_, isClosed) => isClosed ? "no Sentinel answers" : "",
    );
    if (address.kind === "single" && /^(MOVED|CROSSSLOT)/.test(text)) {
      text = "it is a node of a Redis Cluster: begin the URL with redis+cluster://";
    }
    // Redis quotes the start of the arguments of a command that it lacks, such as a renamed AUTH.
    text = text.replace(/, with args beginning with.*/s, "");
    for (const secret of secrets) text = text.replaceAll(secret, "…");
    const code = codeOf(error) ?? (isOutage ? codeOf(lastError) : undefined) ??
      /^(?:Too many .*: |connect )?([A-Z]{2,20}) /.exec(text)?.[1] ??
      (isOutage ? "ECONNRESET" : undefined);
    return serverError(place, text, code);
  }

  /** Called for each message of their channel. */
  const listeners = new Map<string, () => void>();
  let subscriber: typeof client | undefined;

  function openSubscriber() {
    const opened = "nodes" in client ? client : client.duplicate({
      lazyConnect: false,
      // Waits for the connection, however long it takes.
      commandTimeout: undefined!,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: true,
    });
    // The other connection reports errors.
    opened.on("error", () => {});
    opened.on("message", (channel: string) => listeners.get(channel)?.());
    opened.on("ready", () => {
      // A Cluster's client does not subscribe before it is ready.
      if (opened === client && listeners.size > 0) {
        client.subscribe(...listeners.keys()).catch(() => {});
      }
      // Messages may have been lost.
      listeners.forEach((onMessage) => onMessage());
    });
    return opened;
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    clearInterval(refreshTimer);
    await Promise.allSettled(running);
    subscriber?.disconnect();
    client.disconnect();
    await refreshed;
    // If the socket was already closed, ioredis leaves a timer of `disconnectTimeout` behind.
    await new Promise((resolve) => setTimeout(resolve, DISCONNECT_MS + 1));
  }

  /**
   * ioredis connects to a node of a Cluster at its first command, and fails those that are sent
   * meanwhile.
   */
  async function connectToMasters(): Promise<void> {
    if (!("nodes" in client)) return;
    await Promise.allSettled(client.nodes("master").map((node) => node.ping()));
  }

  /** If the database cannot be chosen, ioredis uses the first one, which may be another fleet's. */
  async function chooseDatabase(): Promise<void> {
    if (address.db) await client.select(address.db);
  }

  /** Rejects after the timeout: some failures of a Cluster or of Sentinels never end an attempt. */
  async function connect(): Promise<void> {
    const connected = client.connect().then(connectToMasters).then(chooseDatabase);
    if (await within(systemClock, timeoutMs, connected) === "late") {
      throw lastError ?? Object.assign(new Error("timed out"), { code: "ETIMEDOUT" });
    }
  }

  try {
    await connect();
  } catch (error) {
    await close();
    throw redacted(error);
  }

  const commands = client as unknown as Record<
    Name,
    (numberOfKeys: number, ...rest: (string | number)[]) => Promise<unknown>
  >;
  return {
    isCluster: address.kind === "cluster",
    /**
     * Runs a script.
     *
     * @throws {Error} with the message of Redis or of the connection; the script may then have run
     *   or not
     */
    async run(
      name: Name,
      keys: readonly string[],
      args: readonly (string | number)[],
    ): Promise<unknown> {
      if (isClosed) throw new Error(`Cannot use ${place}: it is closed`);
      const command = commands[name](keys.length, ...keys, ...args);
      running.add(command);
      try {
        return await command;
      } catch (error) {
        const clean = redacted(error);
        // Otherwise the events of the connection say why.
        if (isReady && !clean.message.endsWith(LOST)) report(clean);
        throw clean;
      } finally {
        running.delete(command);
      }
    },
    /** The `maxmemory-policy`, or undefined if the user may not read it. */
    async evictionPolicy(): Promise<string | undefined> {
      const info = await client.info("memory").catch(() => "");
      return /^maxmemory_policy:(\S{1,40})/m.exec(info)?.[1];
    },
    /**
     * Subscribes to a channel, which must have no other listener here. Messages can be lost, and
     * none come if the user has no access to the channel.
     *
     * @returns a function that ends the subscription.
     */
    subscribe(channel: string, onMessage: () => void): () => void {
      subscriber ??= openSubscriber();
      listeners.set(channel, onMessage);
      subscriber.subscribe(channel).catch(() => {});
      return () => {
        listeners.delete(channel);
        if (!isClosed) subscriber?.unsubscribe(channel).catch(() => {});
      };
    },
    close,
  };
}
