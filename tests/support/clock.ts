import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "../../lib/clock.ts";
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

/** The system's clock on 2026-01-31 UTC: no day ends, and no limit refills, during a test. */
export const fixedDateClock: Clock = { ...systemClock, date: () => Date.UTC(2026, 0, 31) };

/** Most that a turn of the event loop lasts. */
const TURN_MS = 10;

/**
 * Creates a clock on which time passes as on the system's, but no timer fires before the event loop has
 * had many turns: on a busy machine, a thread that has not run for a while must first read what has
 * arrived.
 */
function createPatientClock(): Clock {
  const timers = new Set<{ at: number; callback: () => void }>();
  /** The time at the beginning of this turn, here and on the system's clock. */
  let time = 0;
  let begun = performance.now();
  let turn: ReturnType<typeof setTimeout> | undefined;

  function now(): number {
    const passed = performance.now() - begun;
    return time + (turn === undefined ? passed : Math.min(passed, TURN_MS));
  }

  function beginTurn(): void {
    [time, begun] = [now(), performance.now()];
    clearTimeout(turn);
    if (timers.size === 0) turn = undefined;
    else {
      const delays = [...timers].map(({ at }) => Math.max(0, at - time));
      turn = setTimeout(endTurn, Math.min(TURN_MS, ...delays));
    }
  }

  function endTurn(): void {
    const due = [...timers].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at);
    for (const timer of due) {
      // A microtask each: one that throws stops no other, and one may cancel another.
      queueMicrotask(() => {
        if (timers.delete(timer)) timer.callback();
      });
    }
    queueMicrotask(beginTurn);
  }

  return {
    now,
    date: () => Date.now(),
    timer(ms, callback) {
      const timer = { at: now() + ms, callback };
      timers.add(timer);
      if (turn === undefined) beginTurn();
      return () => {
        timers.delete(timer);
        if (timers.size === 0) beginTurn();
      };
    },
  };
}

/** The clock of servers and upstreams in one thread, which call each other through sockets. */
export const patientClock = createPatientClock();
