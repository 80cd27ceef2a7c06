import { assert } from "@std/assert";

/** Takes about 0.1 ms of a processor. */
function timeOfSlice(): number {
  const start = performance.now();
  let value = 0;
  for (let i = 0; i < 100_000; i++) value = (value * 31 + i) | 0;
  return performance.now() - start + (value === 1 ? 1e-9 : 0);
}

const MEASURE_MS = 60;

/**
 * Returns how many times slower than alone this thread currently runs, because other threads use the
 * processor: 1 on a quiet machine.
 */
export function slowdown(): number {
  const slices: number[] = [];
  const start = performance.now();
  while (performance.now() - start < MEASURE_MS) slices.push(timeOfSlice());
  slices.sort((a, b) => a - b);
  // Few slices are interrupted, even on a busy machine.
  const undisturbed = slices[Math.floor(slices.length / 20)]!;
  return Math.max(1, (performance.now() - start) / (slices.length * undisturbed));
}

/** Asserts that work takes at most `promisedMs`, with allowance for a busy machine. */
export async function assertTakes(promisedMs: number, work: () => Promise<unknown>): Promise<void> {
  const before = slowdown();
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const limitMs = 2 * promisedMs * Math.max(before, slowdown());
  assert(ms <= limitMs, `took ${ms.toFixed()} ms, expected at most ${limitMs.toFixed()} ms`);
}
