/**
 * The little of statistics that holds a simulation to a theory.
 *
 * @module
 */

/** The two-sided normal quantile of 99.9 %. */
const Z = 3.2905;

/** Numbers from 0 to 1 that depend on the seed alone: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number from 0 to 1 that depends on the text alone: FNV-1a, then mulberry32. */
export function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return seeded(hash)();
}

/** The probabilities of 0 to n successes. */
export function binomial(n: number, p: number): number[] {
  let row = [1];
  for (let i = 0; i < n; i++) {
    row = Array.from({ length: i + 2 }, (_, k) => (row[k] ?? 0) * (1 - p) + (row[k - 1] ?? 0) * p);
  }
  return row;
}

/** The fewest and the most successes of n that 99.9 % of all tries give. */
export function binomialInterval(n: number, p: number): [number, number] {
  const chances = binomial(n, p);
  const first = (from: readonly number[]) => {
    let sum = 0;
    return from.findIndex((chance) => (sum += chance) > 0.0005);
  };
  return [first(chances), n - first(chances.toReversed())];
}

/** A distribution's mean and standard deviation. */
export function moments(outcomes: ReadonlyMap<number, number>): { mean: number; sd: number } {
  let mean = 0;
  let square = 0;
  for (const [value, chance] of outcomes) {
    mean += value * chance;
    square += value * value * chance;
  }
  return { mean, sd: Math.sqrt(Math.max(0, square - mean * mean)) };
}

/** How far the mean of n draws may be from the distribution's, at 99.9 %. */
export function meanTolerance(sd: number, n: number): number {
  return Z * sd / Math.sqrt(n);
}
