import { assert } from "@std/assert";

/** Takes about 0.1 ms of a processor. */
function timeOfSlice(): number {
  const start = performance.now();
  let value = 0;
  for (let i = 0; i < 100_000; i++) value = (value * 31 + i) | 0;
  return performance.now() - start + (value === 1 ? 1e-9 : 0);
}

const MEASURE_MS = 200;

/**
 * Returns how many times slower than alone this thread currently runs, because other threads use the
 * processor: 1 on a quiet machine.
 */
function slowdown(): number {
  const slices: number[] = [];
  const start = performance.now();
  while (performance.now() - start < MEASURE_MS) slices.push(timeOfSlice());
  slices.sort((a, b) => a - b);
  // Few slices are interrupted, even on a busy machine.
  const undisturbed = slices[Math.floor(slices.length / 20)]!;
  return Math.max(1, (performance.now() - start) / (slices.length * undisturbed));
}

/**
 * Asserts that less than twice the promised time has passed since `start`, and longer only as far as
 * the machine is busy.
 *
 * @param start of `performance.now()`.
 */
export function assertWithin(promisedMs: number, start: number): void {
  const ms = performance.now() - start;
  if (ms < 2 * promisedMs) return;
  const limit = 2 * promisedMs * slowdown();
  assert(ms < limit, `took ${ms.toFixed()} ms, expected less than ${limit.toFixed()} ms`);
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
