export type Interval = readonly [low: number, high: number];

/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval for a share, at 95 %.
 *
 * @param successes may be fractional if `n` is an effective size.
 * @returns bounds in [0, 1]; [0, 1] itself for n = 0.
 * @see E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
 * JASA 22(158), 209–212
 */
export function wilson(successes: number, n: number): Interval {
  if (n <= 0) return [0, 1];
  const p = successes / n;
  const scale = 1 + Z * Z / n;
  const centre = (p + Z * Z / (2 * n)) / scale;
  const half = Z / scale * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
  // Rounding makes the formula inexact at the ends.
  return [p === 0 ? 0 : Math.max(0, centre - half), p === 1 ? 1 : Math.min(1, centre + half)];
}

export interface Group {
  correct: number;
  n: number;
}

/**
 * Number of independent tries with the same information. Tries at one problem resemble each other,
 * so three at each of 100 problems count as fewer than 300. The size is p(1 − p) over the variance
 * of the share, at least the number of problems and at most the number of tries.
 *
 * @see E. Miller (2024), Adding error bars to evals, arXiv 2411.00640, section 2.2 (clusters)
 * @see N. Dean and M. Pagano (2015), Evaluating confidence interval methods for binomial
 * proportions in clustered surveys, J. Survey Stat. Methodol. 3(4), 484–503 (Wilson's interval
 * with an effective size)
 */
export function effectiveSize(groups: readonly Group[]): number {
  const tries = sum(groups.map(({ n }) => n));
  const m = groups.length;
  if (m < 2 || tries <= m) return Math.min(m, tries);
  const p = sum(groups.map(({ correct }) => correct)) / tries;
  const squares = sum(groups.map(({ correct, n }) => (correct - n * p) ** 2));
  const variance = m / (m - 1) * squares / tries ** 2;
  // If all tries have the same outcome, their resemblance is unknown: count each problem once.
  if (p === 0 || p === 1) return m;
  return variance === 0 ? tries : Math.min(tries, Math.max(m, p * (1 - p) / variance));
}

const RESAMPLES = 10_000;

/**
 * A 95 % interval for the mean of paired differences, by the percentile bootstrap over problems.
 *
 * If all differences are equal, resampling shows no variance. The interval then allows for the
 * share of other problems that may have gone unseen, 1 − 0.025^(1/n) (the exact bound for 0 of n).
 *
 * @param differences one per problem, −1 to 1: the mean of one model's tries minus the other's.
 * @param random returns a number in [0, 1).
 * @see B. Efron and R. J. Tibshirani (1993), An introduction to the bootstrap, chapter 13
 * @see P. Koehn (2004), Statistical significance tests for machine translation evaluation, EMNLP
 * @see C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4), 404–413
 */
export function pairedBootstrap(
  differences: readonly number[],
  random: () => number,
): Interval {
  const n = differences.length;
  const [first] = differences;
  if (first === undefined) return [-1, 1];
  if (differences.every((difference) => difference === first)) {
    const unseen = 1 - 0.025 ** (1 / n);
    return [first - unseen * (first + 1), first + unseen * (1 - first)];
  }
  const means = Array.from({ length: RESAMPLES }, () => {
    let total = 0;
    for (let i = 0; i < n; i++) total += differences[Math.floor(random() * n)]!;
    return total / n;
  }).sort((a, b) => a - b);
  return [quantileOfSorted(means, 0.025), quantileOfSorted(means, 0.975)];
}

/**
 * The quantile `q` in [0, 1], interpolated between the two nearest values; undefined for no values.
 *
 * @see R. J. Hyndman and Y. Fan (1996), Sample quantiles in statistical packages, The American
 * Statistician 50(4), 361–365: type 7, the default of R and NumPy
 */
export function quantile(values: readonly number[], q: number): number | undefined {
  if (values.length === 0) return undefined;
  return quantileOfSorted([...values].sort((a, b) => a - b), q);
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low]!;
  return below + (at - low) * ((sorted[low + 1] ?? below) - below);
}

export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : sum(values) / values.length;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
