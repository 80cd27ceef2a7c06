import { createStore } from "../backend.ts";
import type { Change, Store } from "../store.ts";
import { openRedis, PREFIX, type RedisOptions } from "./connection.ts";
import { STORE_SCRIPTS } from "./store_scripts.ts";

export interface RedisStoreOptions extends RedisOptions {
  /** For tests only: returns a time that replaces that of Redis. */
  now?: () => number;
}

/**
 * Opens a store in Redis, for servers on several machines. Redis must not evict keys without an
 * expiry (`maxmemory-policy` must be `noeviction` or `volatile-*`), and must be a single server,
 * because the scripts compute the names of keys.
 *
 * @throws {Error} if Redis cannot be reached, refuses the connection or cannot run the scripts
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const now = () => options.now?.() ?? "";
  const redis = await openRedis(options, STORE_SCRIPTS);
  try {
    // Checks that scripts may run, with all keys.
    await redis.run("storeWrite", [PREFIX], [now(), ""]);
  } catch (error) {
    await redis.close();
    throw error;
  }

  return createStore({
    kind: "redis",
    async get(keys) {
      const names = keys.flatMap(({ collection, id }) => [collection, id]);
      const reply = await redis.run("storeGet", [PREFIX], [now(), ...names]) as (string | null)[];
      return keys.map(({ collection, id }, i) => {
        const [value, version] = reply.slice(2 * i);
        return typeof value === "string" ? { collection, id, value, version: version! } : undefined;
      });
    },
    async list({ collection, after, before, limit, reverse }) {
      const reply = await redis.run("storeList", [PREFIX], [
        now(),
        collection,
        after === undefined ? "-" : `(${after}`,
        before === undefined ? "+" : `(${before}`,
        limit,
        reverse ? 1 : 0,
      ]) as string[];
      return Array.from({ length: reply.length / 3 }, (_, i) => {
        const [id, value, version] = reply.slice(3 * i) as [string, string, string];
        return { collection, id, value, version };
      });
    },
    async write(changes) {
      const args = [now(), crypto.randomUUID(), ...changes.flatMap(argumentsOf)];
      return await redis.run("storeWrite", [PREFIX], args) === 1;
    },
    watch: (collection, onChange) => redis.subscribe(PREFIX + collection, onChange),
    now: async () => Number(await redis.run("storeNow", [PREFIX], [now()])),
    close: redis.close,
  });
}

function argumentsOf(change: Change): (string | number)[] {
  const { key: { collection, id }, ifVersion } = change;
  const wanted = ifVersion === undefined ? "any" : ifVersion === null ? "none" : `=${ifVersion}`;
  const rest = "value" in change
    ? ["set", change.value, change.ttlMs ?? ""]
    : ["delete" in change ? "delete" : "check", "", ""];
  return [collection, id, wanted, ...rest, "notify" in change ? 1 : 0];
}
