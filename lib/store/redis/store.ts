import { createStore, ownerOf } from "../backend.ts";
import { CALL_MS } from "../limiter.ts";
import type { Change, Entry, EntryKey, Range, Store } from "../store.ts";
import { openRedis, PREFIX, type RedisOptions } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { STORE_SCRIPTS } from "./store_scripts.ts";

/** Entries that a list reads at once, and missing ones that it removes. */
const LISTED_AT_ONCE = 1_000;
const REMOVED_AT_ONCE = 100;

/** Entry that is written and deleted at the start, to check that Redis can do both. */
const CHECK_MS = 60_000;
const CHECK: EntryKey = { collection: "check", id: "start" };

/**
 * Opens a store in Redis, for servers on several machines. Warns if Redis may evict keys without an
 * expiry: `maxmemory-policy` must be `noeviction` or `volatile-*`.
 *
 * @throws {Error} if Redis cannot be reached, refuses the connection or cannot run the scripts
 */
export async function openRedisStore(options: RedisOptions): Promise<Store> {
  const now = () => options.now?.() ?? "";
  const { timeoutMs = CALL_MS } = options;
  const redis = await openRedis({ ...options, timeoutMs }, STORE_SCRIPTS);
  /** Writers by prefix, since the clocks of a Cluster's masters may differ. */
  const writers = new Map<string, ReturnType<typeof withDeadline<"storeWrite">>>();

  /** In a Cluster, the braces keep an owner's keys in one slot, so that scripts can use them. */
  const prefixOf = (collection: string) =>
    redis.isCluster ? `${PREFIX}{/${ownerOf(collection)}}:` : PREFIX;
  const entryOf = ({ collection, id }: EntryKey) =>
    `${prefixOf(collection)}entry:${collection}\0${id}`;
  const indexOf = (collection: string) => `${prefixOf(collection)}index:${collection}`;
  const expiryOf = (collection: string) => `${prefixOf(collection)}expiry`;

  async function getOfOwner(keys: readonly EntryKey[]): Promise<(Entry | undefined)[]> {
    const reply = await redis.run("storeGet", keys.map(entryOf), [now()]) as (string | null)[];
    return keys.map(({ collection, id }, i) => {
      const [value, version] = reply.slice(2 * i);
      return typeof value === "string" ? { collection, id, value, version: version! } : undefined;
    });
  }

  async function get(keys: readonly EntryKey[]): Promise<(Entry | undefined)[]> {
    const byPrefix = Map.groupBy(keys, ({ collection }) => prefixOf(collection));
    const found = new Map(
      await Promise.all(
        byPrefix.entries().map(async ([prefix, some]) => [prefix, await getOfOwner(some)] as const),
      ),
    );
    return keys.map(({ collection }) => found.get(prefixOf(collection))!.shift());
  }

  async function write(changes: readonly Change[]): Promise<boolean> {
    const { collection } = changes[0]!.key;
    const prefix = prefixOf(collection);
    let run = writers.get(prefix);
    if (run === undefined) {
      run = withDeadline<"storeWrite">(redis.run, { timeoutMs, now: options.now });
      writers.set(prefix, run);
    }
    const keys = changes.flatMap(({ key }) => [entryOf(key), indexOf(key.collection)]);
    const [, written] = await run("storeWrite", [expiryOf(collection), ...keys], [
      crypto.randomUUID(),
      prefix,
      ...changes.flatMap(argumentsOf),
    ]);
    return written === "1";
  }

  /** Removes ids from the index, if their entries are still missing. */
  async function removeMissing(collection: string, ids: readonly string[]): Promise<void> {
    const changes = ids.slice(0, REMOVED_AT_ONCE)
      .map((id): Change => ({ key: { collection, id }, delete: true, ifVersion: null }));
    // Otherwise a later list or write removes them.
    await write(changes).catch(() => {});
  }

  async function list({ collection, after, before, limit, reverse }: Range): Promise<Entry[]> {
    const found: Entry[] = [];
    while (found.length < limit) {
      const count = Math.min(limit - found.length, LISTED_AT_ONCE);
      const low = after === undefined ? "-" : `(${after}`;
      const high = before === undefined ? "+" : `(${before}`;
      const range = reverse ? ["ZREVRANGEBYLEX", high, low] : ["ZRANGEBYLEX", low, high];
      const ids = await redis.run("storeIds", [indexOf(collection)], [
        now(),
        ...range,
        count,
      ]) as string[];
      const entries = ids.length === 0
        ? []
        : await getOfOwner(ids.map((id) => ({ collection, id })));
      found.push(...entries.filter((entry) => entry !== undefined));
      // Entries that have expired, or that Redis has evicted.
      const missing = ids.filter((_, i) => entries[i] === undefined);
      if (missing.length > 0) await removeMissing(collection, missing);
      if (ids.length < count) break;
      if (reverse) before = ids.at(-1)!;
      else after = ids.at(-1)!;
    }
    return found;
  }

  try {
    // Checks that scripts may run, with all keys and commands.
    await write([{ key: CHECK, value: "", ttlMs: CHECK_MS }]);
    for (const reverse of [false, true]) await list({ ...CHECK, limit: 1, reverse });
    await write([{ key: CHECK, value: "" }, { key: CHECK, delete: true }]);
    const policy = await redis.evictionPolicy();
    if (policy?.startsWith("allkeys")) {
      options.warn(
        `Redis deletes stored responses when its memory is full: its maxmemory-policy is ${policy}. Set it to noeviction.`,
      );
    }
  } catch (error) {
    await redis.close();
    throw error;
  }

  return createStore({
    kind: "redis",
    get,
    list,
    write,
    watch: (collection, onChange) => redis.subscribe(PREFIX + collection, onChange),
    now: async () => Number(await redis.run("storeNow", [expiryOf("")], [now()])),
    close: redis.close,
  });
}

function argumentsOf(change: Change): (string | number)[] {
  const { key: { collection, id }, ifVersion } = change;
  const wanted = ifVersion === undefined ? "any" : ifVersion === null ? "none" : `=${ifVersion}`;
  const rest = "value" in change
    ? ["set", change.value, change.ttlMs ?? ""]
    : ["delete" in change ? "delete" : "check", "", ""];
  return [collection, id, wanted, ...rest, "notify" in change ? PREFIX + collection : ""];
}
