import { createKvStore } from "../../../lib/store/kv/store.ts";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { createKvLimiter } from "../../../lib/store/kv/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { openPostgresStore } from "../../../lib/store/postgres/store.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openSqliteLimiter } from "../../../lib/store/sqlite/limiter.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { openSqliteStore } from "../../../lib/store/sqlite/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createDatabase, NO_POSTGRES, sharePostgres } from "./postgres.ts";
import { NO_REDIS, startRedis } from "./redis.ts";
import { LIMIT_MS } from "../wait.ts";
import type { RedisOptions } from "../../../lib/store/redis/connection.ts";

/** An empty back end. */
export interface Backend extends AsyncDisposable {
  /** Opens the store. In memory this is always the same; otherwise a new handle on the same data. */
  open(): Promise<Store>;
  /** As `open`, for the limiter. */
  openLimiter(): Promise<Limiter>;
}

export interface BackendKind {
  kind: Store["kind"];
  /** Default: the kind. */
  name?: string;
  /** Why its tests are skipped, or undefined if they run. */
  skipReason: string | undefined;
  /** Called before the tests of a file are registered. */
  prepare?: () => void;
  start(now: () => number): Promise<Backend>;
}

export const BACKENDS: readonly BackendKind[] = [
  { kind: "memory", skipReason: undefined, start: (now) => Promise.resolve(startMemory(now)) },
  { kind: "sqlite", skipReason: undefined, start: startSqlite },
  { kind: "kv", skipReason: undefined, start: startKv },
  { kind: "redis", skipReason: NO_REDIS, start: startOnRedis },
  { kind: "postgres", skipReason: NO_POSTGRES, prepare: sharePostgres, start: startOnPostgres },
];

function startMemory(now: () => number): Backend {
  const store = createMemoryStore({ now });
  const limiter = createMemoryLimiter({ now });
  return {
    open: () => Promise.resolve(store),
    openLimiter: () => Promise.resolve(limiter),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

async function startSqlite(now: () => number): Promise<Backend> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/store.db`;
  return withHandles(
    () => openSqliteStore({ path, now }),
    () => openSqliteLimiter({ path, now }),
    () => Deno.remove(dir, { recursive: true }),
  );
}

async function startKv(now: () => number): Promise<Backend> {
  const dir = await Deno.makeTempDir();
  const openKv = () => Deno.openKv(`${dir}/kv.db`);
  return withHandles(
    async () => createKvStore({ kv: await openKv(), now }),
    async () => createKvLimiter({ kv: await openKv(), now }),
    () => Deno.remove(dir, { recursive: true }),
  );
}

async function startOnRedis(now: () => number): Promise<Backend> {
  const redis = await startRedis();
  return onRedis({ url: redis.url }, now, () => redis[Symbol.asyncDispose]());
}

/** A back end in a Redis that runs. */
export function onRedis(
  options: Omit<RedisOptions, "warn">,
  now: () => number,
  end: () => PromiseLike<void>,
): Backend {
  return withHandles(
    () => openRedisStore({ timeoutMs: LIMIT_MS, ...options, now, warn() {} }),
    () => openRedisLimiter({ timeoutMs: LIMIT_MS, ...options, now, warn() {} }),
    async () => await end(),
  );
}

async function startOnPostgres(now: () => number): Promise<Backend> {
  const database = await createDatabase();
  const options = { url: database.url, timeoutMs: LIMIT_MS, warn() {}, now };
  return withHandles(
    () => openPostgresStore(options),
    () => openPostgresLimiter(options),
    async () => await database[Symbol.asyncDispose](),
  );
}

let selected = BACKENDS;

/** Chooses the back ends of all tests that are defined from now on. */
export function selectBackends(backends: readonly BackendKind[]): void {
  selected = backends;
}

/** Returns the selected back ends of some kinds; by default, all are selected. */
export function backendsOf(
  kinds: readonly Store["kind"][],
): (BackendKind & { name: string })[] {
  return selected.filter(({ kind }) => kinds.includes(kind))
    .map((backend) => ({ name: backend.kind, ...backend }));
}

function withHandles(
  openStore: () => Promise<Store>,
  openLimiter: () => Promise<Limiter>,
  end: () => Promise<void>,
): Backend {
  const handles: { close(): Promise<void> }[] = [];
  async function track<Handle extends Store | Limiter>(opening: Promise<Handle>): Promise<Handle> {
    const handle = await opening;
    handles.push(handle);
    return handle;
  }
  return {
    open: () => track(openStore()),
    openLimiter: () => track(openLimiter()),
    async [Symbol.asyncDispose]() {
      for (const handle of handles) await handle.close();
      await end();
    },
  };
}
