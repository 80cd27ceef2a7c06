import { assertAlmostEquals } from "@std/assert";
import { slopeOf } from "./growth.ts";

Deno.test("the slope of exact points has no error", () => {
  const { slope, error } = slopeOf([[0, 5], [1, 7], [4, 13]]);
  assertAlmostEquals(slope, 2);
  assertAlmostEquals(error, 0, 1e-12);
});

Deno.test("the error of a slope is computed from its residuals", () => {
  // Residuals -1, 1, 1, -1 around a slope of 0: sqrt(4 / 2 / 5).
  const { slope, error } = slopeOf([[0, 1], [1, 3], [2, 3], [3, 1]]);
  assertAlmostEquals(slope, 0, 1e-12);
  assertAlmostEquals(error, Math.sqrt(0.4));
});
