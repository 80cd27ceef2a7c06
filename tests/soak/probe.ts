/**
 * Runs in the server's process before its program: counts the timers that it sets, and at SIGUSR2
 * collects garbage and writes a line about what is left.
 *
 * @module
 */

/** What a server holds. */
export interface Held {
  /** Timers that have neither fired nor been cleared. */
  timers: number;
  /** Memory of its objects after a collection, buffers included, in bytes. */
  heap: number;
  /** Resident memory after a collection, in bytes. */
  resident: number;
}

declare const gc: () => void;

/** By their numbers, as a timer is cleared by its object or by its number. */
const timers = new Set<number>();

function counted(begin: typeof setInterval, repeats: boolean) {
  return (fn: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = begin(
      (...given: unknown[]) => {
        if (!repeats) timers.delete(Number(timer));
        fn(...given);
      },
      ms,
      ...args,
    );
    timers.add(Number(timer));
    return timer;
  };
}

function cleared(clear: typeof clearTimeout): typeof clearTimeout {
  return (timer) => {
    timers.delete(Number(timer));
    clear(timer);
  };
}

Object.assign(globalThis, {
  setTimeout: counted(setTimeout, false),
  setInterval: counted(setInterval, true),
  clearTimeout: cleared(clearTimeout),
  clearInterval: cleared(clearInterval),
});

Deno.addSignalListener("SIGUSR2", () => {
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, external, rss } = Deno.memoryUsage();
  const held: Held = { timers: timers.size, heap: heapUsed + external, resident: rss };
  console.log(JSON.stringify({ held }));
});
