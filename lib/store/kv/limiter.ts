import {
  accountName,
  applyCharges,
  packAccount,
  type PackedAccount,
  unpackAccount,
} from "../limit_account.ts";
import { createLimiter, type Limiter, type TakeResult } from "../limiter.ts";
import { updateKeys } from "./update.ts";

/** Accounts outlive their use by this, because the clocks of servers differ. */
const GRACE_MS = 60_000;

/**
 * Creates limits in a Deno KV, which `close` closes. A limit can hold about 1,000 leases, since a
 * value has at most 64 KiB.
 *
 * @param options.now returns ms since 1970
 */
export function createKvLimiter({ kv, ...options }: { kv: Deno.Kv; now: () => number }): Limiter {
  return createLimiter({
    async apply(action, charges) {
      const now = options.now();
      const names = [...new Set(charges.map(({ limit }) => accountName(limit)))];
      const keys = names.map((name) => ["o1", "limit", name]);
      return await updateKeys<PackedAccount, TakeResult>(kv, keys, (found) => {
        const load = (name: string) => {
          const { value } = found[names.indexOf(name)]!;
          return value === null ? undefined : unpackAccount(value);
        };
        const { result, changed } = applyCharges(action, now, charges, load);
        const updates = names.map((name) => {
          const next = changed.get(name);
          if (!next) return undefined;
          const { account, lifeMs } = next;
          if (lifeMs <= 0) return null;
          return { value: packAccount(account), expireIn: Math.ceil(lifeMs) + GRACE_MS };
        });
        return { result, updates };
      });
    },
    close: () => kv.close(),
  });
}
