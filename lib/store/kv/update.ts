import type { MaybePromise } from "../backend.ts";
import { retryWhileLocked } from "../retry_while_locked.ts";

/** Maximum number of keys in one read, set by KV. */
const KEYS_PER_READ = 10;

/** How often an update starts over because a key was changed meanwhile; takes about 8 s. */
const MAX_TRIES = 50;

/** With 600 updates of one key at once, 400 ms take 4 s, 50 ms take 15 s, and no delay takes 24 s. */
const MAX_DELAY_MS = 400;

/** A key's new value, null to delete the key, or undefined to keep it; `expireIn` is in ms. */
export type KvUpdate<Value> = { value: Value; expireIn?: number | undefined } | null | undefined;

/** Reads any number of keys; not as one snapshot. */
export async function readKeys<Value>(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
): Promise<Deno.KvEntryMaybe<Value>[]> {
  const reads: Promise<Deno.KvEntryMaybe<Value>[]>[] = [];
  for (let first = 0; first < keys.length; first += KEYS_PER_READ) {
    reads.push(kv.getMany<Value[]>(keys.slice(first, first + KEYS_PER_READ)));
  }
  return (await Promise.all(reads)).flat();
}

/**
 * Replaces values atomically. `change` receives the current values and returns the new ones, in the
 * order of the keys; it is called again, after a random delay, if a key was changed meanwhile.
 *
 * @throws {Error} if that happens 50 times
 */
export async function updateKeys<Value, Result>(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
  change: (
    found: readonly Deno.KvEntryMaybe<Value>[],
  ) => MaybePromise<{ result: Result; updates: readonly KvUpdate<Value>[] }>,
): Promise<Result> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const found = await readKeys<Value>(kv, keys);
    const { result, updates } = await change(found);
    if (updates.every((update) => update === undefined)) return result;
    const operation = kv.atomic();
    for (const [i, key] of keys.entries()) {
      const update = updates[i];
      operation.check({ key, versionstamp: found[i]!.versionstamp });
      if (update === null) operation.delete(key);
      else if (update) operation.set(key, update.value, expiry(update.expireIn));
    }
    if (await commit(operation)) return result;
    const delayMs = Math.random() * Math.min(2 ** tries, MAX_DELAY_MS);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  throw new Error(`Cannot write to Deno KV: the keys were changed ${MAX_TRIES} times meanwhile`);
}

/** Commits an operation; returns false if one of its checks failed. */
export async function commit(operation: Deno.AtomicOperation): Promise<boolean> {
  return (await retryWhileLocked(() => operation.commit())).ok;
}

/** Options that make a value expire in so many ms, if at all. */
export function expiry(expireIn: number | undefined): { expireIn?: number } {
  return expireIn === undefined ? {} : { expireIn };
}
