/**
 * The memory's limiter, whose books can be read.
 *
 * @module
 */
import type { Limit, Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";

/** A limiter and its books. */
export interface CountingLimiter extends Limiter {
  /** What counts against a limit of this key at a time. */
  count(now: number, key: string): Promise<number>;
  /** The keys that were ever asked about. */
  keys(): string[];
  /** What the next calls fail with, if they do. */
  failure: Error | undefined;
  /** How many calls there were. */
  readonly calls: number;
}

/** Far above what any test uses, so that what is over the limit is seen too. */
const ROOM = 1e9;

/** Creates an empty one. */
export function createCountingLimiter(): CountingLimiter {
  const limiter = createMemoryLimiter();
  const limits = new Map<string, Limit>();
  let calls = 0;

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async function called<T>(call: () => Promise<T>): Promise<T> {
    calls++;
    if (self.failure !== undefined) throw self.failure;
    return call();
  }

  const self: CountingLimiter = {
    failure: undefined,
    take(now, asks) {
      for (const { limit } of asks) limits.set(limit.key, limit);
      return called(() => limiter.take(now, asks));
    },
    settle: (now, corrections) => called(() => limiter.settle(now, corrections)),
    renew: (now, leases) => called(() => limiter.renew(now, leases)),
    close: limiter.close,
    async count(now, key) {
      const limit = limits.get(key);
      if (limit === undefined) return 0;
      // A rate drains as its own amount says; another one would read it wrong.
      const amount = limit.kind === "rate" ? limit.amount : Math.max(ROOM, limit.amount);
      const { states } = await limiter.take(now, [{ limit: { ...limit, amount }, cost: 0 }]);
      const [{ remaining, resetMs } = { remaining: 0, resetMs: 0 }] = states;
      // What is over a rate tells by its time alone.
      return remaining > 0 ? amount - remaining : resetMs * amount / limit.windowMs;
    },
    keys: () => [...limits.keys()],
    get calls() {
      return calls;
    },
  };
  return self;
}
