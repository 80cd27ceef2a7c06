import { dirname, resolve } from "node:path";
import type { Limiter } from "./limiter.ts";
import { createMemoryLimiter } from "./memory/limiter.ts";
import { createMemoryStore } from "./memory/store.ts";
import type { Store } from "./store.ts";

export interface OpenOptions {
  /** Database file of `auto` and `sqlite`. A relative `sqlite:PATH` is resolved beside it. */
  path: string;
  /** Returns ms since 1970. */
  now: () => number;
  /** Called with a message when `auto` falls back to memory or a connection is lost. */
  warn: (message: string) => void;
  /** Whether this is Deno Deploy, where `auto` is Deno KV. */
  onDeploy: boolean;
}

/** Opens one kind of thing on each back end, whose code is loaded only when it is needed. */
interface Openers<T> {
  /** Subject of the warning. */
  name: string;
  memory(): T;
  sqlite(path: string): Promise<T>;
  kv(kv: Deno.Kv): Promise<T>;
  redis(url: string): Promise<T>;
}

/**
 * Opens the store of a setting: `auto`, `memory`, `sqlite`, `sqlite:PATH`, `kv`, `redis://…` or
 * `rediss://…`. `auto` is Deno KV on Deno Deploy and SQLite elsewhere; if that cannot be opened, it
 * is memory, with a warning.
 *
 * @throws {TypeError} if the setting is invalid
 * @throws {Error} if the store cannot be opened; the message contains no password
 */
export function openStore(setting: string, options: OpenOptions): Promise<Store> {
  const { now, warn } = options;
  return open(setting, options, {
    name: "Stored responses",
    memory: () => createMemoryStore({ now }),
    sqlite: async (path) => (await import("./sqlite/store.ts")).openSqliteStore({ path, now }),
    kv: async (kv) => (await import("./kv/store.ts")).createKvStore({ kv, now }),
    redis: async (url) => (await import("./redis/store.ts")).openRedisStore({ url, now, warn }),
  });
}

/** Opens the limits of a setting, on a connection of their own. Otherwise as {@link openStore}. */
export function openLimiter(setting: string, options: OpenOptions): Promise<Limiter> {
  const { warn } = options;
  return open(setting, options, {
    name: "Limits",
    memory: createMemoryLimiter,
    sqlite: async (path) => (await import("./sqlite/limiter.ts")).openSqliteLimiter({ path }),
    kv: async (kv) => (await import("./kv/limiter.ts")).createKvLimiter({ kv }),
    redis: async (url) => (await import("./redis/limiter.ts")).openRedisLimiter({ url, warn }),
  });
}

async function open<T>(setting: string, options: OpenOptions, openers: Openers<T>): Promise<T> {
  const { path, warn, onDeploy } = options;
  if (setting === "auto") {
    try {
      return await (onDeploy ? openers.kv(await openKv()) : openers.sqlite(path));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      warn(`${openers.name} are kept in memory only and are lost on exit: ${reason}`);
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
    if (!URL.canParse(setting)) throw new TypeError("Cannot open the store: its URL is invalid");
    return await openers.redis(setting);
  }
  // The rest may contain a password.
  const start = setting.match(/^\w*/)![0];
  throw new TypeError(
    `Cannot open the store "${start}…": it must be auto, memory, sqlite, sqlite:PATH, kv, redis://… or rediss://…`,
  );
}

async function openKv(): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new Error("Cannot open Deno KV: start deno with --unstable-kv");
  }
  return await Deno.openKv();
}
