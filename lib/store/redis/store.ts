/**
 * The store in Redis, for servers on several machines.
 *
 * @module
 */
import { openRedis, type RedisOptions } from "./connection.ts";
import { STORE_SCRIPTS } from "./scripts.ts";
import { type Change, checkChanges, checkKeys, checkRange, type Store } from "../store.ts";

/** Where a store in Redis lies. */
export interface RedisStoreOptions extends RedisOptions {
  /** The current time, in ms since 1970. */
  now: () => number;
  /**
   * What every key begins with.
   *
   * @default {"o1:"}
   */
  prefix?: string;
}

/**
 * Opens a store in Redis. Redis must not evict keys without an expiry (`maxmemory-policy` may be
 * `noeviction` or one of `volatile-*`), and must be one server: its scripts name keys of their own.
 *
 * @throws {Error} where Redis can't be reached or refuses
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { now, prefix = "o1:" } = options;
  const redis = await openRedis(options, STORE_SCRIPTS);
  const keys = [prefix];

  return {
    kind: "redis",
    async get(wanted) {
      checkKeys(wanted);
      const names = wanted.flatMap(({ collection, id }) => [collection, id]);
      const found = await redis.run("storeGet", keys, [now(), ...names]) as (string | null)[];
      return wanted.map(({ collection, id }, i) => {
        const [value, version] = [found[2 * i], found[2 * i + 1]];
        return typeof value === "string" ? { collection, id, value, version: version! } : undefined;
      });
    },
    async list(range) {
      checkRange(range);
      const { collection, after, before, limit, reverse } = range;
      const found = await redis.run("storeList", keys, [
        now(),
        collection,
        after === undefined ? "-" : `(${after}`,
        before === undefined ? "+" : `(${before}`,
        limit,
        reverse ? 1 : 0,
      ]) as string[];
      return Array.from({ length: found.length / 3 }, (_, i) => {
        const [id, value, version] = found.slice(3 * i, 3 * i + 3) as [string, string, string];
        return { collection, id, value, version };
      });
    },
    async write(changes) {
      checkChanges(changes);
      if (changes.length === 0) return true;
      const args = [now(), crypto.randomUUID(), ...changes.flatMap(argumentsOf)];
      return await redis.run("storeWrite", keys, args) === 1;
    },
    close: () => redis.close(),
  };
}

function argumentsOf(change: Change): (string | number)[] {
  const { key: { collection, id }, ifVersion } = change;
  const wanted = ifVersion === undefined ? "any" : ifVersion === null ? "none" : `=${ifVersion}`;
  const rest = "value" in change
    ? ["set", change.value, change.expiresAt ?? ""]
    : ["delete", "", ""];
  return [collection, id, wanted, ...rest];
}
