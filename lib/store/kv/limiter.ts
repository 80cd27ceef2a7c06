/**
 * Limits in Deno KV, as Deno Deploy has it.
 *
 * @module
 */
import { commit } from "./commit.ts";
import {
  type Account,
  accountName,
  type Changed,
  type Load,
  renewIn,
  settleIn,
  takeFrom,
} from "../limit_account.ts";
import {
  checkAsks,
  checkCorrections,
  checkRenewals,
  type Limit,
  type Limiter,
} from "../limiter.ts";

/** What limits in Deno KV are made of. */
export interface KvLimiterOptions {
  /** An open database, which the limiter closes. */
  kv: Deno.Kv;
  /**
   * The first part of every key.
   *
   * @default {"o1"}
   */
  prefix?: string;
}

/** How often a change begins anew because others were faster. */
const MAX_TRIES = 1_000;

/** Keys that KV reads at once. */
const KEYS_PER_READ = 10;

/** Accounts are kept for longer than they count, as clocks differ. */
const GRACE_MS = 60_000;

/** Creates limits in an open Deno KV. There a limit of leases can hold about 1,000 at once. */
export function createKvLimiter({ kv, prefix = "o1" }: KvLimiterOptions): Limiter {
  let open = true;

  /** Repeats `work` until none of the accounts that it saw was changed meanwhile. */
  async function change<T>(
    items: readonly { limit: Limit }[],
    work: (load: Load) => { result: T; changed: Changed },
  ): Promise<T> {
    const names = [...new Set(items.map(({ limit }) => accountName(limit)))];
    const keys = names.map((name) => [prefix, "limit", name]);
    for (let i = 0; i < MAX_TRIES; i++) {
      const found: Deno.KvEntryMaybe<Account>[] = [];
      for (let first = 0; first < keys.length; first += KEYS_PER_READ) {
        found.push(...await kv.getMany<Account[]>(keys.slice(first, first + KEYS_PER_READ)));
      }
      const { result, changed } = work((name) => found[names.indexOf(name)]?.value ?? undefined);
      if (changed.size === 0) return result;
      const operation = kv.atomic();
      for (const [i, name] of names.entries()) {
        const key = keys[i]!;
        operation.check({ key, versionstamp: found[i]!.versionstamp });
        const next = changed.get(name);
        if (!next) continue;
        if (next.lifeMs <= 0) operation.delete(key);
        else operation.set(key, next.account, { expireIn: Math.ceil(next.lifeMs) + GRACE_MS });
      }
      if (await commit(operation)) return result;
    }
    throw new Error(`Cannot write to Deno KV: others were faster ${MAX_TRIES} times`);
  }

  return {
    async take(now, asks) {
      checkAsks(asks);
      return await change(asks, (load) => {
        const { taken: result, changed } = takeFrom(load, now, asks);
        return { result, changed };
      });
    },
    async settle(now, corrections) {
      checkCorrections(corrections);
      await change(corrections, (load) => ({
        result: undefined,
        changed: settleIn(load, now, corrections),
      }));
    },
    async renew(now, leases) {
      checkRenewals(leases);
      await change(leases, (load) => ({
        result: undefined,
        changed: renewIn(load, now, leases),
      }));
    },
    close() {
      if (open) kv.close();
      open = false;
      return Promise.resolve();
    },
  };
}
