import { LeaseMap } from "../lease_map.ts";
import { accountName, applyCharges } from "../limit_account.ts";
import { createLimiter, type Limiter, type TakeResult } from "../limiter.ts";
import { updateKeys } from "./update.ts";

/** Accounts outlive their use by this, because the clocks of servers differ. */
const GRACE_MS = 60_000;

type StoredLease = [id: string, cost: number, end: number];

interface StoredAccount {
  level: number;
  at: number;
  leases: StoredLease[];
}

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
      return await updateKeys<StoredAccount, TakeResult>(kv, keys, (found) => {
        const accounts = found.map(({ value }) => {
          const leases = value?.leases.map(([id, cost, end]) => [id, { cost, end }] as const);
          return { level: value?.level ?? 0, at: value?.at ?? 0, leases: new LeaseMap(leases) };
        });
        const load = (name: string) => accounts[names.indexOf(name)]!;
        const { result, changed } = applyCharges(action, now, charges, load);
        const updates = names.map((name, i) => {
          const next = changed.get(name);
          if (!next) return undefined;
          const { level, at, leases } = accounts[i]!;
          if (next.lifeMs <= 0) return null;
          return {
            value: {
              level,
              at,
              leases: Array.from(leases, ([id, { cost, end }]): StoredLease => [id, cost, end]),
            },
            expireIn: Math.ceil(next.lifeMs) + GRACE_MS,
          };
        });
        return { result, updates };
      });
    },
    close: () => kv.close(),
  });
}
