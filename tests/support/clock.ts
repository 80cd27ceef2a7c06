import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../lib/clock.ts";

/** A clock that only moves when the test advances it. */
export interface FakeClock {
  clock: Clock;
  /** Lets `ms` milliseconds pass. Timers fire in order; the work they start runs before the next. */
  advance(ms: number): Promise<void>;
  /** Returns the number of active timers. */
  pending(): number;
}

/** Creates a clock whose `now` is 0 and whose date is 2026-01-01 UTC. */
export function createFakeClock(): FakeClock {
  const timers = new Set<{ at: number; fn: () => void }>();
  const epoch = Date.UTC(2026, 0, 1);
  let now = 0;

  function nextDue(limit: number) {
    let first;
    for (const timer of timers) {
      if (timer.at <= limit && (!first || timer.at < first.at)) first = timer;
    }
    return first;
  }

  return {
    clock: {
      now: () => now,
      date: () => epoch + now,
      timer(ms, fn) {
        const timer = { at: now + Math.max(0, ms), fn };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    async advance(ms) {
      const end = now + ms;
      await setImmediate();
      for (let timer; (timer = nextDue(end)); await setImmediate()) {
        timers.delete(timer);
        now = timer.at;
        timer.fn();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
