import { type Account, accountName, applyCharges } from "../limit_account.ts";
import { createLimiter, type Limiter, type TakeResult } from "../limiter.ts";
import { updateKeys } from "./update.ts";

/** Accounts outlive their use by this, because the clocks of servers differ. */
const GRACE_MS = 60_000;

/**
 * Creates limits in a Deno KV, which `close` closes. A limit can hold about 1,000 leases, since a
 * value has at most 64 KiB.
 */
export function createKvLimiter({ kv }: { kv: Deno.Kv }): Limiter {
  return createLimiter({
    async apply(action, now, charges) {
      const names = [...new Set(charges.map(({ limit }) => accountName(limit)))];
      const keys = names.map((name) => ["o1", "limit", name]);
      return await updateKeys<Account, TakeResult>(kv, keys, (found) => {
        const load = (name: string) => found[names.indexOf(name)]!.value ?? undefined;
        const { result, changed } = applyCharges(action, now, charges, load);
        const updates = names.map((name) => {
          const next = changed.get(name);
          if (!next) return undefined;
          const { account, lifeMs } = next;
          return lifeMs > 0 ? { value: account, expireIn: Math.ceil(lifeMs) + GRACE_MS } : null;
        });
        return { result, updates };
      });
    },
    close: () => kv.close(),
  });
}
