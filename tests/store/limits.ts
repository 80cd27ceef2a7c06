import type { Charge, Limit, Limiter, TakeResult } from "../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../lib/store/memory/limiter.ts";
import type { Store } from "../../lib/store/store.ts";
import { backendsOf } from "../support/stores/backends.ts";
import { skippedFor } from "../support/skip.ts";

/** Start of the tests, in ms since 1970. */
export const START = Date.UTC(2026, 0, 1);

/** A limiter and the time of its back end, in ms since 1970. */
export interface TimedLimiter {
  take(now: number, charges: readonly Charge[]): Promise<TakeResult>;
  settle(now: number, charges: readonly Charge[], id?: string): Promise<void>;
  renew(now: number, charges: readonly Charge[]): Promise<void>;
  close(): Promise<void>;
}

/** Runs a test on every back end, or on those of some kinds. */
export function limits(
  name: string,
  test: (limiter: TimedLimiter, openAnother: () => Promise<TimedLimiter>) => Promise<void>,
  kinds: readonly Store["kind"][] = ["memory", "sqlite", "kv", "redis", "postgres"],
): void {
  for (const { name: backend, skipReason, prepare, start } of backendsOf(kinds)) {
    prepare?.();
    Deno.test({
      ...skippedFor(skipReason, `${backend}: ${name}`),
      async fn() {
        const time = { now: START };
        await using started = await start(() => time.now);
        const open = async () => atTimes(await started.openLimiter(), time);
        await test(await open(), open);
      },
    });
  }
}

/** Sets the time before each call. */
export function atTimes(limiter: Limiter, time: { now: number }): TimedLimiter {
  const at = (now: number) => {
    time.now = now;
    return limiter;
  };
  return {
    take: (now, charges) => at(now).take(charges),
    settle: (now, charges, id) => at(now).settle(charges, id),
    renew: (now, charges) => at(now).renew(charges),
    close: limiter.close,
  };
}

/** A limiter in memory with a time of its own. */
export function timedMemoryLimiter(): TimedLimiter {
  const time = { now: START };
  return atTimes(createMemoryLimiter({ now: () => time.now }), time);
}

export function limitOf(kind: Limit["kind"], amount: number, windowMs = 60_000): Limit {
  return { key: `alice ${kind}`, kind, amount, windowMs };
}

/** A limit of requests at the same time, which leases hold. */
export function parallelOf(amount: number, windowMs?: number): Limit {
  return { ...limitOf("sum", amount, windowMs), key: "alice parallel" };
}

/** Success, remaining units, retry delay and reset delay of a take from one limit. */
export function summary({ ok, states: [state] }: TakeResult): [boolean, number, number, number] {
  return [ok, state!.remaining, state!.retryAfterMs, state!.resetMs];
}
