import type { EventEmitter } from "node:events";
import { systemClock, within } from "../../clock.ts";
import type { PostgresAddress } from "./address.ts";

/** The parts of the package `pg` that are used; it has no types. */
interface Driver {
  Pool: new (options: object) => PgPool;
  Client: new (options: object) => PgClient;
}

interface PgPool extends EventEmitter {
  connect(): Promise<PgClient & { release(destroy?: boolean): void }>;
  end(): Promise<void>;
}

export interface PgClient extends Session, EventEmitter {
  connection: { stream: { destroy(): void } };
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

/** A connection to Postgres. Statements may be sent before those before them are answered. */
export interface Session {
  query(statement: Statement | string): Promise<{ rows: Row[] }>;
}

export interface Statement {
  /** Postgres plans a statement with a name once for each connection. */
  name?: string;
  text: string;
  values?: readonly unknown[];
  /** In milliseconds. Default: that of the connection. */
  query_timeout?: number;
}

/** Each column as the text that Postgres sends. */
export type Row = Record<string, string | null>;

/** How long closing waits for the server. */
const CLOSE_MS = 1_000;

export async function loadDriver(): Promise<Driver> {
  return await import("pg") as unknown as Driver;
}

/** @param ca certificates in PEM that TLS trusts, besides the public ones. */
export function driverOptions(
  { host, port, user, password, database, sslmode }: PostgresAddress,
  timeoutMs: number,
  ca: string | undefined,
) {
  return {
    host,
    port,
    user,
    database,
    // A function, because `pg` would look for an empty password in a file.
    password: () => password,
    ssl: sslmode === "disable" ? false : {
      rejectUnauthorized: sslmode === "verify-full",
      ...ca !== undefined && { ca },
    },
    pipeline: true,
    types: { getTypeParser: () => (text: string) => text },
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    // Postgres ends the statement first, and says why.
    query_timeout: timeoutMs + 500,
  };
}

/** Waits until connections are closed; destroys them if the server does not answer. */
export async function closeInTime(
  ended: Promise<void>,
  clients: Iterable<PgClient>,
): Promise<void> {
  if (await within(systemClock, CLOSE_MS, ended) === "late") {
    for (const client of clients) client.connection.stream.destroy();
  }
  await ended;
}
