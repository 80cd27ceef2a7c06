/** Time, injected so that tests can control it. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never decreases. May be 1 ms behind. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC. */
  date(): number;
  /**
   * Calls `callback` once after `ms` milliseconds, or up to 1 % or 5 ms later.
   *
   * @returns a function that cancels the timer; it may be called at any time.
   */
  timer(ms: number, callback: () => void): () => void;
}

/** How far `now` may be behind, in milliseconds. */
const LAG_MS = 1;

let date = NaN;
let monotonic = 0;

/**
 * Calls `performance.now()` once a millisecond. A stream asks for the time twice per token; at
 * 0.17 µs instead of 0.30 µs that saves about 5 % of the CPU time of passing a token on.
 */
function now(): number {
  const present = Date.now();
  if (present !== date) {
    date = present;
    monotonic = performance.now();
  }
  return monotonic;
}

/**
 * Timers fire up to this many milliseconds late, or by up to this share of their delay, so that
 * they can share ticks. So there are at most a few thousand ticks, whatever the number of timers.
 */
const TICK_MS = 4;
const LATE_SHARE = 1 / 128;

/**
 * Creates timers that share one timer of the runtime. With 100 requests of 3 timers in flight, the
 * timers of a request cost 0.8 µs instead of 8 µs.
 *
 * @param isKept whether the runtime's timer keeps running when all of these are cancelled.
 */
function createTimers(isKept: boolean): Clock["timer"] {
  const ticks = new Map<number, Set<() => void>>();
  let armed = Infinity;
  let id: ReturnType<typeof setTimeout> | undefined;

  function arm(tick: number): void {
    clearTimeout(id);
    armed = tick;
    // The runtime warns about negative delays.
    const delayMs = Math.max(0, tick * TICK_MS - performance.now());
    if (tick < Infinity) id = setTimeout(fire, delayMs);
  }

  function fire(): void {
    const present = performance.now() / TICK_MS;
    const due = [...ticks.keys()].filter((tick) => tick <= present).sort((a, b) => a - b);
    for (const tick of due) {
      const timers = ticks.get(tick)!;
      ticks.delete(tick);
      for (const timer of timers) {
        // A microtask each: one that throws stops no other, and one may cancel another.
        queueMicrotask(() => {
          if (timers.delete(timer)) timer();
        });
      }
    }
    arm(Math.min(...ticks.keys()));
  }

  return (ms, callback) => {
    const late = Math.max(1, ms * LATE_SHARE / TICK_MS);
    // A power of two, so that timers with other delays share its multiples.
    const step = 2 ** Math.floor(Math.log2(late));
    const tick = Math.ceil((now() + LAG_MS + ms) / TICK_MS / step) * step;
    const timer = () => callback();
    let timers = ticks.get(tick);
    if (timers === undefined) ticks.set(tick, timers = new Set());
    timers.add(timer);
    if (tick < armed) arm(tick);
    return () => {
      if (!timers.delete(timer) || timers.size > 0 || ticks.get(tick) !== timers) return;
      ticks.delete(tick);
      if (ticks.size === 0 && !isKept) arm(Infinity);
    };
  };
}

const createClock = (isKept: boolean): Clock => ({
  now,
  date: () => Date.now(),
  timer: createTimers(isKept),
});

export const systemClock = createClock(false);

/**
 * The clock of a server. Cancelled timers can keep the process alive until they would have fired.
 * Saves 10 of the 80 µs of a small request, which would start and stop the runtime's timer.
 */
export const serverClock = createClock(true);

/**
 * Waits for `ms` milliseconds.
 *
 * @throws the signal's reason when it is aborted.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.timer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Returns the result of `work`, or `"late"` if it takes longer than `ms` milliseconds. */
export function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | "late"> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(ms, () => resolve("late"));
    work.then((value) => {
      cancel();
      resolve(value);
    }, (error) => {
      cancel();
      reject(error);
    });
  });
}

export const DAY_MS = 86_400_000;

let latestDay = { number: NaN, name: "" };

/** Returns the day of a time in UTC, for example 2026-01-31. Computing it takes 1 µs, so the last one is kept. */
export function dayAt(date: number): string {
  const number = Math.floor(date / DAY_MS);
  if (number !== latestDay.number) {
    latestDay = { number, name: new Date(date).toISOString().slice(0, 10) };
  }
  return latestDay.name;
}
