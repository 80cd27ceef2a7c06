import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { backoffMs, retryAfterMs } from "../../lib/upstream/retry.ts";

const OPTIONS = { base_ms: 500, max_ms: 8_000 };
const NOW = Date.UTC(2026, 0, 1, 12);

Deno.test("the upper bound of the delay doubles with each failure, up to the maximum", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7].map((failures) => backoffMs(failures, OPTIONS, 1));
  assertEquals(bounds, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});

Deno.test("the delay is random between 0 and the bound", () => {
  for (const failures of [1, 3, 9]) {
    const bound = backoffMs(failures, OPTIONS, 1);
    assertEquals(backoffMs(failures, OPTIONS, 0), 0);
    assertEquals(backoffMs(failures, OPTIONS, 0.5), bound / 2);
    assertEquals(backoffMs(failures, OPTIONS, 0.25), bound / 4);
  }
});

Deno.test("no number of failures makes the delay invalid or longer than the maximum", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.integer({ min: 1, max: 86_400_000 }),
    fc.integer({ min: 1, max: 86_400_000 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (failures, base_ms, max_ms, random) => {
      const delay = backoffMs(failures, { base_ms, max_ms }, random);
      assert(delay >= 0 && delay <= max_ms && delay <= base_ms * 2 ** (failures - 1));
    },
  ));
});

for (
  const [headers, delay] of [
    [{}, undefined],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": " 7 " }, 7_000],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after": "86400" }, 86_400_000],
    [{ "retry-after-ms": "1500" }, 1_500],
    [{ "retry-after-ms": "1.5" }, 1.5],
    [{ "retry-after-ms": "1500", "retry-after": "9" }, 1_500],
    [{ "retry-after-ms": "soon", "retry-after": "9" }, 9_000],
    [{ "retry-after-ms": "", "retry-after": "9" }, 9_000],
    [{ "retry-after-ms": "-1" }, undefined],
    [{ "retry-after": "Thu, 01 Jan 2026 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Thursday, 01-Jan-26 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Thu Jan  1 12:00:30 2026 GMT" }, 30_000],
    [{ "retry-after": "Thu, 01 Jan 2026 11:00:00 GMT" }, 0],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "5 s" }, undefined],
    [{ "retry-after": "try 2099" }, undefined],
    [{ "retry-after": "1e3" }, undefined],
    [{ "retry-after": "Infinity" }, undefined],
    [{ "retry-after": "NaN" }, undefined],
    [{ "retry-after": "Thu, 99 Foo 2026 12:00:30 GMT" }, undefined],
  ] as [Record<string, string>, number | undefined][]
) {
  Deno.test(`${JSON.stringify(headers)} asks for ${delay ?? "no"} milliseconds`, () => {
    assertEquals(retryAfterMs(new Headers(headers), NOW), delay);
  });
}

Deno.test("any header gives a valid delay or none", () => {
  const value = fc.string().filter((text) => /^[\x20-\x7e]*$/.test(text));
  fc.assert(fc.property(value, value, (seconds, exact) => {
    const headers = new Headers({ "retry-after": seconds, "retry-after-ms": exact });
    const delay = retryAfterMs(headers, NOW);
    assert(delay === undefined || (Number.isFinite(delay) && delay >= 0));
  }));
});
