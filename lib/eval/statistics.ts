/**
 * The statistics of a comparison. All functions are pure.
 *
 * @module
 */

/** The bounds of a 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval for a share, at 95 %.
 *
 * @param successes may be fractional, where `n` is an effective size.
 * @returns bounds within 0 and 1; both of them for n = 0.
 * @see E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
 * JASA 22(158), 209–212
 */
export function wilson(successes: number, n: number): Interval {
  if (n <= 0) return [0, 1];
  const p = successes / n;
  const scale = 1 + Z * Z / n;
  const centre = (p + Z * Z / (2 * n)) / scale;
  const half = Z / scale * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
  // At the ends the formula is exact only up to rounding.
  return [p === 0 ? 0 : Math.max(0, centre - half), p === 1 ? 1 : Math.min(1, centre + half)];
}

/** Tries at one problem. */
export interface Group {
  /** How many were right. */
  correct: number;
  /** How many there were. */
  n: number;
}

/**
 * How many independent tries say as much as these: tries at one problem resemble each other, so
 * that three at each of 100 problems say less than 300. It is p(1 − p) over the variance between
 * problems, no less than the number of problems and no more than that of tries; with one try at
 * each it is their number.
 *
 * @see E. Miller (2024), Adding error bars to evals, arXiv 2411.00640, section 2.2 (clusters)
 * @see N. Dean and M. Pagano (2015), Evaluating confidence interval methods for binomial
 * proportions in clustered surveys, J. Survey Stat. Methodol. 3(4), 484–503 (Wilson's interval
 * with an effective size)
 */
export function effectiveSize(groups: readonly Group[]): number {
  const tries = groups.reduce((sum, { n }) => sum + n, 0);
  const m = groups.length;
  if (m < 2 || tries <= m) return Math.min(m, tries);
  const p = groups.reduce((sum, { correct }) => sum + correct, 0) / tries;
  const squares = groups.reduce((sum, { correct, n }) => sum + (correct - n * p) ** 2, 0);
  const variance = m / (m - 1) * squares / tries ** 2;
  // Without any variance nothing tells how alike the tries are: they count as one a problem.
  if (p === 0 || p === 1) return m;
  return variance === 0 ? tries : Math.min(tries, Math.max(m, p * (1 - p) / variance));
}

/** Options of {@linkcode pairedBootstrap}. */
export interface BootstrapOptions {
  /** The source of chance, 0 to 1. */
  random: () => number;
  /** How many samples are drawn; default 10,000. */
  resamples?: number;
}

/**
 * A 95 % interval for the mean of paired differences, by the percentile bootstrap over problems.
 *
 * Where all differences are the same there is nothing to draw from; then the interval allows for
 * the share of problems of another kind that may have gone unseen, 1 − 0.025^(1/n) (the exact
 * bound for none of n).
 *
 * @param differences one for each problem, −1 to 1: the mean of one model's tries less the other's.
 * @see B. Efron and R. J. Tibshirani (1993), An introduction to the bootstrap, chapter 13
 * @see P. Koehn (2004), Statistical significance tests for machine translation evaluation, EMNLP
 * @see C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4), 404–413
 */
export function pairedBootstrap(
  differences: readonly number[],
  options: BootstrapOptions,
): Interval {
  const n = differences.length;
  const [first] = differences;
  if (first === undefined) return [-1, 1];
  if (differences.every((each) => each === first)) {
    const unseen = 1 - 0.025 ** (1 / n);
    return [first - unseen * (first + 1), first + unseen * (1 - first)];
  }
  const means = Array.from({ length: options.resamples ?? 10_000 }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += differences[Math.floor(options.random() * n)]!;
    return sum / n;
  }).sort((a, b) => a - b);
  return [quantileOfSorted(means, 0.025), quantileOfSorted(means, 0.975)];
}

/**
 * A quantile, interpolated between the two nearest values.
 *
 * @returns undefined for no values.
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

/** The mean; undefined for no values. */
export function mean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Creates a source of chance, 0 to 1, that is the same for the same seed: Mulberry32.
 *
 * @see {@link https://gist.github.com/tommyettinger/46a874533244883189143505d203312c}
 */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
