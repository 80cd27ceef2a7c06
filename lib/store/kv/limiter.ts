import { applyCharges, namesOf } from "../limit_account.ts";
import { createLimiter, type Limiter, type TakeResult } from "../limiter.ts";
import { updateKeys } from "./update.ts";

/** Values outlive their use by this, because the clocks of servers differ. */
const GRACE_MS = 60_000;

/** KV allows 100 checks in one write: of these charges, and as many leases. */
const RENEWED_AT_ONCE = 50;

/**
 * Creates limits in a Deno KV, which `close` closes.
 *
 * @param options.now returns ms since 1970
 */
export function createKvLimiter({ kv, ...options }: { kv: Deno.Kv; now: () => number }): Limiter {
  return createLimiter({
    async apply(action, charges) {
      const now = options.now();
      const { accounts, leases } = namesOf(charges);
      const names = [...accounts, ...leases];
      const keys = names.map((name) => ["o1", "limit", name]);
      return await updateKeys<unknown, TakeResult>(kv, keys, (found) => {
        const load = (name: string) => found[names.indexOf(name)]!.value;
        const { result, changes } = applyCharges(action, now, charges, load);
        const updates = names.map((name) => {
          const change = changes.get(name);
          if (change === undefined) return undefined;
          const { value, lifeMs } = change;
          return lifeMs <= 0 ? null : { value, expireIn: Math.ceil(lifeMs) + GRACE_MS };
        });
        return { result, updates };
      });
    },
    renewedAtOnce: RENEWED_AT_ONCE,
    close: () => kv.close(),
  });
}
