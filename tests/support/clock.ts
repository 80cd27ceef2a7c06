import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../lib/clock.ts";
import { waitUntil } from "./wait.ts";

/** A clock that only moves when the test advances it. */
export interface FakeClock {
  clock: Clock;
  /** Lets `ms` milliseconds pass. Timers fire in order; the work they start runs before the next. */
  advance(ms: number): Promise<void>;
  /** Returns the number of active timers. */
  pending(): number;
}

/** Lets time pass in steps until the work is done. */
export async function passing<T>(fake: FakeClock, work: Promise<T>, stepMs = 50): Promise<T> {
  let isDone = false;
  const done = work.finally(() => isDone = true);
  await waitUntil("work that needs time to pass", () => isDone, () => fake.advance(stepMs));
  return await done;
}

/**
 * Creates a clock whose `now` is 0 and whose date is 2026-01-01 UTC.
 *
 * @param settle waits for the work that a timer starts. Default: one turn of the event loop.
 */
export function createFakeClock(settle: () => Promise<unknown> = () => setImmediate()): FakeClock {
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
      await settle();
      for (let timer; (timer = nextDue(end)); await settle()) {
        timers.delete(timer);
        now = timer.at;
        timer.fn();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
