import { dirname, resolve } from "node:path";
import type { Limiter } from "./limiter.ts";
import { createMemoryLimiter } from "./memory/limiter.ts";
import { createMemoryStore } from "./memory/store.ts";
import type { Store } from "./store.ts";

/** State that outlives a request. */
export interface Stores {
  /** Responses, conversations and their events. */
  store: Store;
  limiter: Limiter;
}

export interface OpenOptions {
  /** Database file of `auto` and `sqlite`. A relative `sqlite:PATH` is resolved beside it. */
  path: string;
  /** Returns ms since 1970. */
  now: () => number;
  /** Called when `auto` uses memory, a connection is lost or restored, and with errors of a server. */
  warn: (message: string) => void;
  /** Whether this is Deno Deploy, where `auto` is Deno KV. */
  onDeploy: boolean;
  /** Certificates in PEM that TLS trusts, besides the public ones. */
  ca?: string | undefined;
}

/**
 * Opens the stores of a setting: `auto`, `memory`, `sqlite`, `sqlite:PATH`, `kv`, or a URL of Redis
 * or Postgres. `auto` is Deno KV on Deno Deploy and SQLite elsewhere. It is memory, with a warning,
 * only if there is no database and none can be created: a server that cannot read what was spent
 * would allow it to be spent again. The code of the other back ends is loaded only when it is needed.
 *
 * @throws {TypeError} if the setting is invalid
 * @throws {Error} if the stores cannot be opened; the message contains no password
 */
export async function openStores(setting: string, options: OpenOptions): Promise<Stores> {
  const { path, warn, onDeploy } = options;
  if (setting === "auto") {
    try {
      return await openStores(onDeploy ? "kv" : "sqlite", options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (await databaseMayExist(reason, options)) throw new Error(`${reason}. ${ADVICE}`);
      warn(`Stored responses and limits are kept in memory only and are lost on exit: ${reason}`);
      return await openStores("memory", options);
    }
  }
  if (setting === "memory") {
    return { store: createMemoryStore(options), limiter: createMemoryLimiter(options) };
  }
  if (setting === "sqlite") return await openSqlite(path, options);
  if (setting.startsWith("sqlite:")) {
    return await openSqlite(resolve(dirname(path), setting.slice("sqlite:".length)), options);
  }
  if (setting === "kv") return await openKv(options);
  if (/^rediss?(\+\w+)?:\/\//.test(setting)) return await openRedis(setting, options);
  if (/^postgres(ql)?:\/\//.test(setting)) return await openPostgres(setting, options);
  // The rest may contain a password.
  const start = setting.match(/^\w*/)![0];
  throw new TypeError(
    `Cannot open the store "${start}…": it must be auto, memory, sqlite, sqlite:PATH, kv, or a URL that begins with redis or postgres`,
  );
}

const ADVICE =
  "The server does not start without what it has stored, such as spent budgets. Make the database available: close programs that lock it, let this program read and write its folder (deno run needs --allow-write=FOLDER), or restore it. To start without it, move the file away, or set 'store: memory' in config.yaml.";

/** @param reason why the database of `auto` cannot be opened. */
async function databaseMayExist(
  reason: string,
  { path, onDeploy }: OpenOptions,
): Promise<boolean> {
  if (onDeploy) {
    return typeof Deno.openKv === "function" && !reason.includes("no KV database is attached");
  }
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

async function openSqlite(path: string, { now }: OpenOptions): Promise<Stores> {
  const { openSqliteStore } = await import("./sqlite/store.ts");
  const { openSqliteLimiter } = await import("./sqlite/limiter.ts");
  return await openBoth(openSqliteStore, openSqliteLimiter, { path, now });
}

async function openKv({ now }: OpenOptions): Promise<Stores> {
  if (typeof Deno.openKv !== "function") {
    throw new Error("Cannot open Deno KV: start deno with --unstable-kv");
  }
  const { createKvStore } = await import("./kv/store.ts");
  const { createKvLimiter } = await import("./kv/limiter.ts");
  return {
    store: createKvStore({ kv: await Deno.openKv(), now }),
    limiter: createKvLimiter({ kv: await Deno.openKv(), now }),
  };
}

async function openRedis(url: string, { warn, ca }: OpenOptions): Promise<Stores> {
  const { openRedisStore } = await import("./redis/store.ts");
  const { openRedisLimiter } = await import("./redis/limiter.ts");
  return await openBoth(openRedisStore, openRedisLimiter, { url, warn, ca });
}

async function openPostgres(url: string, { warn, ca }: OpenOptions): Promise<Stores> {
  const { openPostgresStore } = await import("./postgres/store.ts");
  const { openPostgresLimiter } = await import("./postgres/limiter.ts");
  return await openBoth(openPostgresStore, openPostgresLimiter, { url, warn, ca });
}

async function openBoth<Options>(
  openStore: (options: Options) => Promise<Store>,
  openLimiter: (options: Options) => Promise<Limiter>,
  options: Options,
): Promise<Stores> {
  const store = await openStore(options);
  try {
    return { store, limiter: await openLimiter(options) };
  } catch (error) {
    await store.close();
    throw error;
  }
}
