/** A connection to Redis that runs scripts, times out and reconnects. */

export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS. */
  url: string;
  /**
   * Maximum duration of a connection attempt or a command.
   *
   * @default {3_000}
   */
  timeoutMs?: number;
  /** Called when the connection is lost and restored, and with errors of Redis, without secrets. */
  warn: (message: string) => void;
}

/** First part of every key. */
export const PREFIX = "o1:";

const MAX_RECONNECT_MS = 1_000;

/** How long the server may take to close a socket after its last answer. */
const DISCONNECT_MS = 10;

const MAX_MESSAGE_LENGTH = 200;

/** The same error is reported again after this time. */
const REPORT_MS = 60_000;
const MAX_REPORTED = 20;

const LOST = "the connection is lost";

const codeOf = (error: unknown) => (error as { code?: string } | undefined)?.code;

/**
 * Connects and registers Lua scripts under their names.
 *
 * @throws {Error} if Redis cannot be reached or refuses the connection
 */
export async function openRedis<Name extends string>(
  { url, timeoutMs = 3_000, warn }: RedisOptions,
  scripts: Readonly<Record<Name, string>>,
) {
  const { Redis } = await import("ioredis");
  const { hostname, port, username, password } = new URL(url);
  const place = `Redis at ${hostname}:${port || "6379"}`;
  const secrets = [password, username].flatMap((part) => [part, decodeURIComponent(part)])
    .filter((part) => part !== "" && part !== "default");
  let lastError: unknown;
  let isReady = false;
  let isLost = false;
  let isClosed = false;
  const reportedAt = new Map<string, number>();

  const client = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A command must not run twice, so it fails when the connection is lost.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, MAX_RECONNECT_MS),
    disconnectTimeout: DISCONNECT_MS,
    scripts: Object.fromEntries(
      Object.entries<string>(scripts).map(([name, lua]) => [name, { lua }]),
    ),
  });
  client.on("error", (error) => {
    lastError = error;
    if (isLost) report(redacted(error));
  });
  client.on("ready", () => {
    if (isLost) warn(`The connection to ${place} is restored`);
    lastError = undefined;
    isReady = true;
    isLost = false;
  });
  client.on("close", () => {
    if (isReady && !isClosed) {
      isLost = true;
      warn(`The connection to ${place} is lost; reconnecting`);
    }
    isReady = false;
  });

  function report({ message }: Error): void {
    const now = performance.now();
    if (now - (reportedAt.get(message) ?? -Infinity) < REPORT_MS) return;
    if (reportedAt.size >= MAX_REPORTED) reportedAt.clear();
    reportedAt.set(message, now);
    warn(message);
  }

  /** A new error without secrets: those of ioredis contain the command and its arguments. */
  function redacted(error: unknown): Error {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const isOutage = name === "MaxRetriesPerRequestError" || /^Connection is closed/.test(message);
    const cause = isOutage && lastError instanceof Error ? lastError.message : undefined;
    let text = cause ?? (isOutage ? LOST : message);
    // Redis quotes the start of the arguments of a command that it lacks, such as a renamed AUTH.
    text = text.replace(/, with args beginning with.*/s, "");
    for (const secret of secrets) text = text.replaceAll(secret, "…");
    const code = codeOf(error) ??
      (isOutage ? codeOf(lastError) : /^[A-Z]{2,20}(?= )/.exec(message)?.[0]);
    return Object.assign(
      new Error(`Cannot use ${place}: ${text.slice(0, MAX_MESSAGE_LENGTH)}`),
      code === undefined ? {} : { code },
    );
  }

  /** What is called for messages, by channel, and the connection that receives them. */
  const listeners = new Map<string, () => void>();
  let subscriber: typeof client | undefined;

  function openSubscriber() {
    const opened = client.duplicate({
      lazyConnect: false,
      // Waits for the connection, however long it takes.
      commandTimeout: undefined!,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: true,
    });
    // The other connection reports errors.
    opened.on("error", () => {});
    opened.on("message", (channel: string) => listeners.get(channel)?.());
    // Messages may have been lost.
    opened.on("ready", () => listeners.forEach((onMessage) => onMessage()));
    return opened;
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    subscriber?.disconnect();
    if (client.status === "ready") await client.quit().catch(() => {});
    client.disconnect();
    // If the socket was already closed, ioredis leaves a timer of `disconnectTimeout` behind.
    await new Promise((resolve) => setTimeout(resolve, DISCONNECT_MS + 1));
  }

  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    await close();
    throw redacted(error);
  }

  const commands = client as unknown as Record<
    Name,
    (numberOfKeys: number, ...rest: (string | number)[]) => Promise<unknown>
  >;
  return {
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
      try {
        return await commands[name](keys.length, ...keys, ...args);
      } catch (error) {
        const clean = redacted(error);
        // Otherwise the events of the connection say why.
        if (isReady && !clean.message.endsWith(LOST)) report(clean);
        throw clean;
      }
    },
    /**
     * Subscribes to a channel, which must have no other listener here. Messages can be lost, and
     * none come if the user has no access to the channel.
     *
     * @returns a function that ends the subscription.
     */
    subscribe(channel: string, onMessage: () => void): () => void {
      if (isClosed) return () => {};
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
