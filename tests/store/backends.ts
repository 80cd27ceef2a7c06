/**
 * The back ends that the tests of the store run over, each with data and a clock of its own.
 *
 * @module
 */
import { createKvStore } from "../../lib/store/kv.ts";
import { createMemoryStore } from "../../lib/store/memory.ts";
import { openRedisStore } from "../../lib/store/redis.ts";
import { openSqliteStore } from "../../lib/store/sqlite.ts";
import type { Store } from "../../lib/store/store.ts";
import { NO_REDIS, startRedis } from "./redis_server.ts";

/** A back end with nothing in it. */
export interface Backend extends AsyncDisposable {
  /** Opens it; in memory always the same, else each time another handle on the same data. */
  open(): Promise<Store>;
}

/** A kind of back end. */
export interface BackendKind {
  /** Its name. */
  kind: Store["kind"];
  /** Whether this machine lacks what it needs. */
  ignore: boolean;
  /** Makes one. */
  start(now: () => number): Promise<Backend>;
}

/** All kinds. */
export const BACKENDS: readonly BackendKind[] = [
  { kind: "memory", ignore: false, start: (now) => Promise.resolve(startMemory(now)) },
  { kind: "sqlite", ignore: false, start: (now) => startOnFile(now, openSqlite) },
  { kind: "kv", ignore: false, start: (now) => startOnFile(now, openKv) },
  { kind: "redis", ignore: NO_REDIS !== undefined, start: startOnRedis },
];

function startMemory(now: () => number): Backend {
  const store = createMemoryStore({ now });
  return {
    open: () => Promise.resolve(store),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

async function startOnFile(
  now: () => number,
  openOn: (path: string, now: () => number) => Promise<Store>,
): Promise<Backend> {
  const dir = await Deno.makeTempDir();
  return withHandles(
    () => openOn(`${dir}/store.db`, now),
    () => Deno.remove(dir, { recursive: true }),
  );
}

function openSqlite(path: string, now: () => number): Promise<Store> {
  return openSqliteStore({ path, now });
}

async function openKv(path: string, now: () => number): Promise<Store> {
  return createKvStore({ kv: await Deno.openKv(path), now });
}

async function startOnRedis(now: () => number): Promise<Backend> {
  const redis = await startRedis();
  return withHandles(
    () => openRedisStore({ url: redis.url, now, warn() {} }),
    async () => await redis[Symbol.asyncDispose](),
  );
}

function withHandles(openOne: () => Promise<Store>, end: () => Promise<void>): Backend {
  const handles: Store[] = [];
  return {
    async open() {
      const store = await openOne();
      handles.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const handle of handles) await handle.close();
      await end();
    },
  };
}
