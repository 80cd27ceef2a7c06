/**
 * Opens what the setting `store` names.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { Limiter } from "./limiter.ts";
import { createMemoryLimiter } from "./memory/limiter.ts";
import { createMemoryStore } from "./memory/store.ts";
import type { Store } from "./store.ts";

/** What an opening needs to know. */
export interface OpenOptions {
  /** The database file of `auto` and `sqlite`; a relative `sqlite:PATH` is beside it. */
  path: string;
  /** The current time, in ms since 1970. */
  now: () => number;
  /** Takes lines for people: what `auto` had to do without, a lost connection. */
  warn: (message: string) => void;
  /**
   * Whether this is Deno Deploy, where `auto` is Deno KV.
   *
   * @default the environment has DENO_DEPLOY
   */
  onDeploy?: boolean;
}

/** How one kind of thing is opened on each back end, whose code is loaded only then. */
interface Openers<T> {
  /** What is opened, for people. */
  name: string;
  memory(): T;
  sqlite(path: string): Promise<T>;
  kv(kv: Deno.Kv): Promise<T>;
  redis(url: string): Promise<T>;
}

/**
 * Opens the store of a setting: `auto`, `memory`, `sqlite`, `sqlite:PATH`, `kv`, `redis://…` or
 * `rediss://…`. `auto` is Deno KV on Deno Deploy and SQLite elsewhere, and memory, with a warning,
 * where that can't be opened.
 *
 * @throws {TypeError} on another setting
 * @throws {Error} where what is named can't be opened; the message holds no password
 */
export function openStore(setting: string, options: OpenOptions): Promise<Store> {
  const { now, warn } = options;
  return openOn(setting, options, {
    name: "Stored responses",
    memory: () => createMemoryStore({ now }),
    sqlite: async (path) => (await import("./sqlite/store.ts")).openSqliteStore({ path, now }),
    kv: async (kv) => (await import("./kv/store.ts")).createKvStore({ kv, now }),
    redis: async (url) => (await import("./redis/store.ts")).openRedisStore({ url, now, warn }),
  });
}

/**
 * Opens the limits of a setting, on a connection of their own; otherwise as {@link openStore}.
 *
 * @throws {TypeError} on another setting
 * @throws {Error} where what is named can't be opened; the message holds no password
 */
export function openLimiter(setting: string, options: OpenOptions): Promise<Limiter> {
  const { warn } = options;
  return openOn(setting, options, {
    name: "Limits",
    memory: createMemoryLimiter,
    sqlite: async (path) => (await import("./sqlite/limiter.ts")).openSqliteLimiter({ path }),
    kv: async (kv) => (await import("./kv/limiter.ts")).createKvLimiter({ kv }),
    redis: async (url) => (await import("./redis/limiter.ts")).openRedisLimiter({ url, warn }),
  });
}

async function openOn<T>(setting: string, options: OpenOptions, openers: Openers<T>): Promise<T> {
  const { path, warn, onDeploy = Deno.env.has("DENO_DEPLOY") } = options;
  if (setting === "auto") {
    try {
      return await (onDeploy ? openers.kv(await openKv()) : openers.sqlite(path));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      warn(`${openers.name} are kept in memory only and end with this process: ${reason}`);
      return openers.memory();
    }
  }
  if (setting === "memory") return openers.memory();
  if (setting === "sqlite") return await openers.sqlite(path);
  if (setting.startsWith("sqlite:")) {
    return await openers.sqlite(resolve(dirname(path), setting.slice("sqlite:".length)));
  }
  if (setting === "kv") return await openers.kv(await openKv());
  if (/^rediss?:\/\//.test(setting)) {
    if (!URL.canParse(setting)) throw new TypeError("Cannot open the store: its URL is not valid");
    return await openers.redis(setting);
  }
  // The rest of it may hold a password.
  const beginning = setting.match(/^\w*/)![0];
  throw new TypeError(
    `Cannot open the store "${beginning}…": it must be auto, memory, sqlite, sqlite:PATH, kv, redis://… or rediss://…`,
  );
}

async function openKv(): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new Error("Cannot open Deno KV: deno must be started with --unstable-kv");
  }
  return await Deno.openKv();
}
