import { reconnectDelayMs, reportErrors, serverError } from "../server_errors.ts";
import type { PostgresAddress } from "./address.ts";
import { closeInTime, driverOptions, loadDriver, type PgClient, type Session } from "./driver.ts";

export interface PostgresOptions {
  /** As `parsePostgresUrl` reads it. */
  url: string;
  /** Certificates in PEM that TLS trusts, besides the public ones. */
  ca?: string | undefined;
  /**
   * Maximum duration of a connection attempt, of the wait for a connection, and of a statement.
   * Default: 5 s for a store, and `CALL_MS` for limits.
   */
  timeoutMs?: number;
  /** Called when the connection is lost and restored, and with errors of Postgres, without secrets. */
  warn: (message: string) => void;
  /** For tests only: returns a time that replaces that of Postgres, in ms since 1970. */
  now?: () => number;
}

export interface PoolOptions {
  address: PostgresAddress;
  ca: string | undefined;
  timeoutMs: number;
  warn: PostgresOptions["warn"];
  /** Maximum number of connections. */
  connections: number;
  /** Settings of each session, by their names in Postgres. */
  session?: Readonly<Record<string, string>>;
  /** Called once with a connection, to test it. */
  prepare: (session: Session) => Promise<void>;
}

/** Connections that are not used are closed. */
const IDLE_MS = 30_000;

/** Message of `pg` if every connection is in use. */
const ALL_IN_USE = "timeout exceeded when trying to connect";

/** Messages of `pg` for failures of the connection that have no code, and codes for them. */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/^Query read timeout|due to connection timeout/, "ETIMEDOUT"],
  [/^Connection terminated|not queryable/, "ECONNRESET"],
];

/**
 * Creates a pool of connections.
 *
 * @throws {Error} what `prepare` throws, or if Postgres cannot be reached or refuses the connection
 */
export async function openPool(options: PoolOptions) {
  const { address, ca, timeoutMs, warn, connections, session = {}, prepare } = options;
  const place = `Postgres at ${address.host}:${address.port}`;
  const { Pool } = await loadDriver();
  const pool = new Pool({
    ...driverOptions(address, timeoutMs, ca),
    max: connections,
    idleTimeoutMillis: IDLE_MS,
  });
  const clients = new Set<PgClient>();
  const configured = new WeakSet<PgClient>();
  const running = new Set<Promise<unknown>>();
  const report = reportErrors(warn);
  let isReady = false;
  let isLost = false;
  let isClosed = false;
  let failures = 0;
  let retryAt = 0;
  let lastError = new Error(`Cannot use ${place}`);

  pool.on("connect", (client: PgClient) => {
    clients.add(client);
    // The caller that uses the connection gets the error. Without a listener, the process would end.
    client.on("error", () => {});
  });
  pool.on("remove", (client: PgClient) => clients.delete(client));
  // Of a connection that nobody uses.
  pool.on("error", (error: unknown) => void lose(error));

  /** A new error without secrets, with a code. */
  function redacted(error: unknown): Error {
    const { message, code } = error as { message?: string; code?: string };
    // A host with several addresses has an error without a message for each.
    let text = message || code || String(error);
    if (text === ALL_IN_USE) text = `all ${connections} connections are in use`;
    if (address.password !== "") text = text.replaceAll(address.password, "…");
    return serverError(place, text, code ?? CODES.find(([pattern]) => pattern.test(text))?.[1]);
  }

  function lose(error: unknown): Error {
    lastError = redacted(error);
    if (isReady && !isClosed) {
      if (!isLost) warn(`The connection to ${place} is lost; reconnecting`);
      isLost = true;
      report(lastError);
    }
    return lastError;
  }

  async function connect() {
    if (performance.now() < retryAt) throw lastError;
    try {
      const client = await pool.connect();
      failures = 0;
      return client;
    } catch (error) {
      if ((error as Error).message === ALL_IN_USE) throw redacted(error);
      retryAt = performance.now() + reconnectDelayMs(failures++);
      throw lose(error);
    }
  }

  async function run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await connect();
    let result: T;
    try {
      await configure(client);
      result = await work(client);
    } catch (error) {
      // Its state is unknown, such as that of a transaction.
      client.release(true);
      if (isFailureOfConnection(error)) throw lose(error);
      const clean = redacted(error);
      if (isReady) report(clean);
      throw clean;
    }
    client.release();
    if (isLost) warn(`The connection to ${place} is restored`);
    isLost = false;
    return result;
  }

  /** Not in the first message of a connection, because PgBouncer rejects most settings there. */
  async function configure(client: PgClient): Promise<void> {
    if (configured.has(client)) return;
    const settings = {
      application_name: "o1-api",
      // A statement must see what was committed before it got its locks.
      default_transaction_isolation: "read committed",
      statement_timeout: `${timeoutMs}`,
      idle_in_transaction_session_timeout: `${timeoutMs}`,
      ...session,
    };
    await client.query({
      text:
        "select set_config(s.name, s.value, false) from unnest($1::text[], $2::text[]) as s(name, value)",
      values: [Object.keys(settings), Object.values(settings)],
    });
    configured.add(client);
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    await Promise.allSettled(running);
    await closeInTime(pool.end(), clients);
  }

  /**
   * Runs `work` with a connection, which is closed if it fails.
   *
   * @throws {Error} with the message of Postgres or of the connection; what was sent may then have
   *   had an effect or not
   */
  async function use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (isClosed) throw new Error(`Cannot use ${place}: it is closed`);
    const result = run(work);
    running.add(result);
    try {
      return await result;
    } finally {
      running.delete(result);
    }
  }

  try {
    await use(prepare);
  } catch (error) {
    await close();
    const { message, code } = error as Error & { code?: string };
    throw Object.assign(new Error(`store: ${message}`), code === undefined ? {} : { code });
  }
  isReady = true;
  return { use, close };
}

/** Whether the server has ended the session, or none was reached. */
function isFailureOfConnection(error: unknown): boolean {
  const { code, severity } = error as { code?: string; severity?: string };
  return severity === undefined || severity === "FATAL" || /^(08|57P)/.test(code ?? "");
}
