/**
 * Time as it is passed to whatever waits or measures, so that tests can turn it by hand.
 *
 * @module
 */

/** A source of time and timers. */
export interface Clock {
  /** Milliseconds since an arbitrary start, one behind at most; never goes back. */
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

/** By how much `now` may be behind, in milliseconds. */
const BEHIND_MS = 1;

/** Timers are late by this, and {@linkcode BEHIND_MS}, at most, beside what the runtime is late. */
const TICK_MS = 4;

let date = NaN;
let monotonic = 0;

/**
 * `performance.now()`, asked for once a millisecond: a request looks at the clock 20 to 40 times,
 * and whether the date is still the same costs far less to find out.
 */
function now(): number {
  const present = Date.now();
  if (present !== date) {
    date = present;
    monotonic = performance.now();
  }
  return monotonic;
}

/** A timer; one that was cancelled, or has fired, has nothing to call. */
interface Timer {
  fn: (() => void) | undefined;
}

/** The timers that fire together, and how many of them were not cancelled. */
interface Tick {
  timers: Timer[];
  left: number;
}

/**
 * Timers that share one of the runtime's, which cost as much as parsing a request. A request has
 * several, and hardly one of them ever fires.
 *
 * @param lingerMs where the runtime's timer would fire within this, it may do so for nobody.
 */
function createTimers(lingerMs: number): Clock["timer"] {
  const ticks = new Map<number, Tick>();
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
    const present = performance.now() / TICK_MS;
    for (const tick of [...ticks.keys()].filter((tick) => tick <= present).sort((a, b) => a - b)) {
      for (const one of ticks.get(tick)!.timers) {
        // Each by itself, so that what one throws is not another's fault; one may cancel another.
        queueMicrotask(() => {
          const { fn } = one;
          one.fn = undefined;
          fn?.();
        });
      }
      ticks.delete(tick);
    }
    arm(Math.min(...ticks.keys()));
  }

  return (ms, fn) => {
    const tick = Math.ceil((now() + BEHIND_MS + ms) / TICK_MS);
    const one: Timer = { fn };
    let all = ticks.get(tick);
    if (all === undefined) ticks.set(tick, all = { timers: [], left: 0 });
    all.timers.push(one);
    all.left++;
    if (tick < armed) arm(tick);
    return () => {
      if (one.fn === undefined) return;
      one.fn = undefined;
      if (--all.left > 0 || ticks.get(tick) !== all) return;
      ticks.delete(tick);
      const wait = Math.max(0, armed * TICK_MS - now());
      if (ticks.size === 0 && wait >= lingerMs) arm(Infinity);
    };
  };
}

function createSystemClock(lingerMs: number): Clock {
  return {
    now,
    date: () => Date.now(),
    timer: createTimers(lingerMs),
  };
}

/** The clock of the machine. */
export const systemClock: Clock = createSystemClock(0);

/**
 * The same for a server: the runtime's timer outlives what was waited for, by 40 ms at most, as
 * the next request may use it. To end one and to start another costs as much as to parse a request.
 */
export const serverClock: Clock = createSystemClock(40);

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

/** What `work` comes to, or `"late"` where that takes longer than `ms` milliseconds. */
export function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | "late"> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(ms, () => resolve("late"));
    work.then((result) => {
      cancel();
      resolve(result);
    }, (error) => {
      cancel();
      reject(error);
    });
  });
}
