/**
 * Limits in this process's memory.
 *
 * @module
 */
import { type Account, type Changed, renewIn, settleIn, takeFrom } from "../limit_account.ts";
import { checkAsks, checkCorrections, checkRenewals, type Limiter } from "../limiter.ts";

/** The accounts are not looked through for spent ones more often than this, nor sooner dropped. */
const SWEEP_MS = 60_000;

/** Creates limits that hold in this process alone. */
export function createMemoryLimiter(): Limiter {
  const accounts = new Map<string, { account: Account; endsAt: number }>();
  const load = (name: string) => accounts.get(name)?.account;
  let sweepAt = 0;

  function keep(now: number, changed: Changed): void {
    for (const [name, { account, lifeMs }] of changed) {
      if (lifeMs > 0) accounts.set(name, { account, endsAt: now + lifeMs + SWEEP_MS });
      else accounts.delete(name);
    }
    if (now < sweepAt) return;
    sweepAt = now + SWEEP_MS;
    for (const [name, { endsAt }] of accounts) if (endsAt <= now) accounts.delete(name);
  }

  return {
    // deno-lint-ignore require-await -- faults in the arguments reject, as with the other limiters
    async take(now, asks) {
      checkAsks(asks);
      const { taken, changed } = takeFrom(load, now, asks);
      keep(now, changed);
      return taken;
    },
    // deno-lint-ignore require-await -- as above
    async settle(now, corrections) {
      checkCorrections(corrections);
      keep(now, settleIn(load, now, corrections));
    },
    // deno-lint-ignore require-await -- as above
    async renew(now, leases) {
      checkRenewals(leases);
      keep(now, renewIn(load, now, leases));
    },
    close() {
      accounts.clear();
      return Promise.resolve();
    },
  };
}
