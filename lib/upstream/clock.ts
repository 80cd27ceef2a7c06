/**
 * Time as it is passed to whatever waits or measures, so that tests can turn it by hand.
 *
 * @module
 */

/** A source of time and timers. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC. */
  date(): number;
  /**
   * Calls `fn` once after `ms` milliseconds.
   *
   * @returns a function that cancels the timer; safe to call at any time.
   */
  timer(ms: number, fn: () => void): () => void;
}

/** The longest time that the runtime can wait, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/** Timers are late by this at most, in milliseconds, beside what the runtime is late. */
const TICK_MS = 4;

/**
 * Timers that share one of the runtime's, which cost as much as parsing a request. A request has
 * several, and hardly one of them ever fires.
 */
function createTimers(): Clock["timer"] {
  const ticks = new Map<number, Set<{ fn: (() => void) | undefined }>>();
  let armed = Infinity;
  let id: ReturnType<typeof setTimeout> | undefined;

  function arm(tick: number): void {
    clearTimeout(id);
    armed = tick;
    if (tick < Infinity) {
      const wait = tick * TICK_MS - performance.now();
      id = setTimeout(fire, Math.min(Math.max(0, wait), LONGEST_MS));
    }
  }

  function fire(): void {
    const now = performance.now() / TICK_MS;
    for (const tick of [...ticks.keys()].filter((tick) => tick <= now).sort((a, b) => a - b)) {
      for (const one of ticks.get(tick)!) {
        // Each by itself, so that what one throws is not another's fault; one may cancel another.
        queueMicrotask(() => one.fn?.());
      }
      ticks.delete(tick);
    }
    arm(Math.min(...ticks.keys()));
  }

  return (ms, fn) => {
    const tick = Math.ceil((performance.now() + ms) / TICK_MS);
    const one: { fn: (() => void) | undefined } = { fn };
    const others = ticks.get(tick);
    if (others === undefined) ticks.set(tick, new Set([one]));
    else others.add(one);
    if (tick < armed) arm(tick);
    return () => {
      one.fn = undefined;
      const all = ticks.get(tick);
      if (!all?.delete(one) || all.size > 0) return;
      ticks.delete(tick);
      if (ticks.size === 0) arm(Infinity);
    };
  };
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  timer: createTimers(),
};

/**
 * Waits for `ms` milliseconds.
 *
 * @throws the signal's reason, as soon as the signal is aborted.
 */
export function sleep(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.timer(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
