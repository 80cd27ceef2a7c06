import { assert } from "@std/assert";
import { cpuMs } from "./stall.ts";
import { patientClock } from "../clock.ts";

/**
 * Asserts that the action takes less than twice the promised time, in which other programs that use the
 * processor do not count: neither on the clock of the event loop nor of this thread's CPU time.
 */
export async function assertWithin(
  promisedMs: number,
  action: () => unknown,
): Promise<void> {
  // The clock counts turns of the event loop only while a timer is set.
  const cancel = patientClock.timer(Infinity, () => {});
  const [time, cpu] = [patientClock.now(), cpuMs()];
  try {
    await action();
    const ms = Math.max(patientClock.now() - time, cpuMs() - cpu);
    assert(ms < 2 * promisedMs, `took ${ms.toFixed()} ms, expected less than ${2 * promisedMs} ms`);
  } finally {
    cancel();
  }
}

/** Returns the longest time in milliseconds in which no timer fired. */
export async function longestPause(action: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const interval = setInterval(look, 1);
  try {
    await action();
  } finally {
    clearInterval(interval);
  }
  look();
  return longest;
}
