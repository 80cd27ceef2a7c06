import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  effectiveSize,
  type Interval,
  pairedBootstrap,
  quantile,
  wilson,
} from "../../lib/eval/statistics.ts";
import { createRandom } from "../../lib/random.ts";

function assertNear(actual: Interval, expected: Interval, tolerance = 5e-4): void {
  assertAlmostEquals(actual[0], expected[0], tolerance);
  assertAlmostEquals(actual[1], expected[1], tolerance);
}

Deno.test("wilson() returns published values", () => {
  assertNear(wilson(8, 10), [0.490, 0.943]);
  // Newcombe (1998), Statistics in Medicine 17, table I, method 3.
  assertNear(wilson(81, 263), [0.2553, 0.3662], 1e-4);
  assertNear(wilson(15, 148), [0.0624, 0.1605], 1e-4);
  assertNear(wilson(0, 20), [0, 0.1611], 1e-4);
  assertNear(wilson(1, 29), [0.0061, 0.1718], 1e-4);
  assertNear(wilson(10, 10), [0.7225, 1]);
  assertEquals(wilson(0, 0), [0, 1]);
});

Deno.test("effectiveSize() is smaller the more similar the trials are", () => {
  const once = Array.from({ length: 20 }, (_, i) => ({ correct: i % 2, n: 1 }));
  assertEquals(effectiveSize(once), 20);
  const alike = Array.from({ length: 20 }, (_, i) => ({ correct: 3 * (i % 2), n: 3 }));
  assertEquals(effectiveSize(alike), 20);
  const unlike = Array.from({ length: 20 }, () => ({ correct: 1, n: 3 }));
  assertEquals(effectiveSize(unlike), 60);
  const between = Array.from({ length: 20 }, (_, i) => ({ correct: [0, 1, 2, 3][i % 4]!, n: 3 }));
  const size = effectiveSize(between);
  assert(size > 20 && size < 60, String(size));
  // By hand: p = 6/12; the sum of (correct − 3/2)² is 5; the variance of the share, estimated from 4
  // problems, is 4/3 · 5/12²; the size is p(1 − p) over this variance.
  const four = [0, 1, 2, 3].map((correct) => ({ correct, n: 3 }));
  assertAlmostEquals(effectiveSize(four), 0.25 / (4 / 3 * 5 / 144));
  assertEquals(effectiveSize(alike.map(() => ({ correct: 3, n: 3 }))), 20);
  assertEquals(effectiveSize([]), 0);
});

Deno.test("quantile() returns R's type 7", () => {
  const values = [15, 20, 35, 40, 50];
  assertEquals(quantile(values, 0.5), 35);
  assertAlmostEquals(quantile(values, 0.4)!, 29);
  assertAlmostEquals(quantile(Array.from({ length: 100 }, (_, i) => 100 - i), 0.95)!, 95.05);
  assertEquals(quantile([3], 0.95), 3);
  assertEquals(quantile([], 0.5), undefined);
});

// The sum of resampled zeros and ones is binomial: bounds by qbinom() of R.
for (const [n, ones, low, high] of [[20, 6, 2, 10], [50, 10, 5, 16], [120, 12, 6, 19]] as const) {
  Deno.test(`pairedBootstrap() of ${ones} ones in ${n} returns the quantiles 2.5 % and 97.5 %`, () => {
    const differences = Array.from({ length: n }, (_, i) => Number(i < ones));
    assertNear(pairedBootstrap(differences, createRandom(1)), [low / n, high / n], 1e-9);
    const negative = differences.map((difference) => -difference);
    assertNear(pairedBootstrap(negative, createRandom(1)), [-high / n, -low / n], 1e-9);
  });
}

Deno.test("pairedBootstrap() of equal differences is not certain", () => {
  const random = createRandom(1);
  const unseen = 1 - 0.025 ** (1 / 10);
  assertNear(pairedBootstrap(Array(10).fill(0), random), [-unseen, unseen]);
  assertNear(pairedBootstrap(Array(10).fill(1), random), [1 - 2 * unseen, 1]);
  assertEquals(pairedBootstrap([], random), [-1, 1]);
});
