/**
 * Statistics to compare a simulation with theory.
 *
 * @module
 */

/** The two-sided normal quantile of 99.9 %. */
const Z = 3.2905;

/** The probabilities of 0 to n successes. */
export function binomial(n: number, p: number): number[] {
  let row = [1];
  for (let i = 0; i < n; i++) {
    row = Array.from({ length: i + 2 }, (_, k) => (row[k] ?? 0) * (1 - p) + (row[k - 1] ?? 0) * p);
  }
  return row;
}

/** The bounds of the number of successes of n in 99.9 % of all trials. */
export function binomialInterval(n: number, p: number): [number, number] {
  const chances = binomial(n, p);
  const first = (from: readonly number[]) => {
    let sum = 0;
    return from.findIndex((chance) => (sum += chance) > 0.0005);
  };
  return [first(chances), n - first(chances.toReversed())];
}

export function moments(outcomes: ReadonlyMap<number, number>): { mean: number; sd: number } {
  let mean = 0;
  let square = 0;
  for (const [value, chance] of outcomes) {
    mean += value * chance;
    square += value * value * chance;
  }
  return { mean, sd: Math.sqrt(Math.max(0, square - mean * mean)) };
}

/** The 99.9 % bound of the difference between the mean of n draws and the distribution's. */
export function meanTolerance(sd: number, n: number): number {
  return Z * sd / Math.sqrt(n);
}
