import type { Limit, Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";

/** The memory limiter, whose counts can be read. */
export interface CountingLimiter extends Limiter {
  /** Units that are charged to the limit of this key. */
  count(key: string): Promise<number>;
  /** The keys of all limits that were ever used. */
  keys(): string[];
  /** If set, every call fails with it. */
  failure: Error | undefined;
  /** Number of calls. */
  readonly calls: number;
}

/** Far above what any test uses, so that units beyond the limit are counted too. */
const ROOM = 1e9;

export function createCountingLimiter(now: () => number): CountingLimiter {
  const limiter = createMemoryLimiter({ now });
  const limits = new Map<string, Limit>();
  let calls = 0;

  // deno-lint-ignore require-await -- what it throws must become a rejection
  async function called<T>(call: () => Promise<T>): Promise<T> {
    calls++;
    if (self.failure !== undefined) throw self.failure;
    return call();
  }

  const self: CountingLimiter = {
    failure: undefined,
    take(charges) {
      for (const { limit } of charges) limits.set(limit.key, limit);
      return called(() => limiter.take(charges));
    },
    settle: (charges) => called(() => limiter.settle(charges)),
    renew: (charges) => called(() => limiter.renew(charges)),
    close: limiter.close,
    async count(key) {
      const limit = limits.get(key);
      if (limit === undefined) return 0;
      // The level of a rate depends on its own amount.
      const amount = limit.kind === "rate" ? limit.amount : Math.max(ROOM, limit.amount);
      const { states } = await limiter.take([{ limit: { ...limit, amount }, cost: 0 }]);
      const [{ remaining, resetMs } = { remaining: 0, resetMs: 0 }] = states;
      // Units beyond a rate appear only in its reset time.
      return remaining > 0 ? amount - remaining : resetMs * amount / limit.windowMs;
    },
    keys: () => [...limits.keys()],
    get calls() {
      return calls;
    },
  };
  return self;
}
