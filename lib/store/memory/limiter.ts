import { LeaseMap } from "../lease_map.ts";
import { type Account, applyCharges } from "../limit_account.ts";
import { createLimiter, type Limiter } from "../limiter.ts";

/** Unused accounts are searched for at this interval, and kept for as long. */
const SWEEP_MS = 60_000;

/** @param options.now returns ms since 1970 */
export function createMemoryLimiter(options: { now: () => number }): Limiter {
  const accounts = new Map<string, { account: Account; expiresAt: number }>();
  let sweepAt = 0;

  const limiter = createLimiter({
    apply(action, charges) {
      const now = options.now();
      const { result, changed } = applyCharges(
        action,
        now,
        charges,
        (name) => accounts.get(name)?.account ?? { level: 0, at: 0, leases: new LeaseMap() },
      );
      for (const [name, { account, lifeMs }] of changed) {
        // Not deleted before the sweep: a key that a large map deletes and gets again, over and
        // over, leaves its places in one chain. With 3,000 others a request took 100 to 400 µs.
        accounts.set(name, { account, expiresAt: now + Math.max(0, lifeMs) + SWEEP_MS });
      }
      if (now >= sweepAt) {
        sweepAt = now + SWEEP_MS;
        for (const [name, { expiresAt }] of accounts) if (expiresAt <= now) accounts.delete(name);
      }
      return result;
    },
    close() {},
  });
  return { ...limiter, neverFails: true };
}
