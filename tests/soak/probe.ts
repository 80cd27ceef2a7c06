/**
 * Preloaded into the server: counts pending timers. On SIGUSR2 it collects garbage and prints a line
 * with timers and memory.
 *
 * @module
 */
import { type Clock, serverClock, systemClock } from "../../lib/clock.ts";

export interface Usage {
  /** Timers of the clocks and of the runtime that have neither fired nor been cleared. */
  timers: number;
  /** Heap and buffers after a collection, in bytes. */
  heap: number;
  /** Resident memory after a collection, in bytes. */
  resident: number;
}

declare const gc: () => void;

/** Numbers of pending timers, because a timer can be cleared by its object or its number. */
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

/** Pending timers of the clocks, which share timers of the runtime. */
const clockTimers = new Set<object>();

function countTimers(clock: Clock): void {
  const { timer: begin } = clock;
  clock.timer = (ms, callback) => {
    const timer = {};
    clockTimers.add(timer);
    const cancel = begin(ms, () => {
      clockTimers.delete(timer);
      callback();
    });
    return () => {
      clockTimers.delete(timer);
      cancel();
    };
  };
}

countTimers(serverClock);
countTimers(systemClock);

Deno.addSignalListener("SIGUSR2", () => {
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, external, rss } = Deno.memoryUsage();
  const usage: Usage = {
    timers: timers.size + clockTimers.size,
    heap: heapUsed + external,
    resident: rss,
  };
  console.log(JSON.stringify({ usage }));
});
