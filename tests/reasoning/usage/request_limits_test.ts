import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createRequestLimits } from "../../../lib/reasoning/usage/request_limits.ts";
import type { Caps } from "../../../lib/reasoning/request.ts";
import { createUsageMeter } from "../../../lib/reasoning/usage/meter.ts";

const CAPS: Caps = { calls: 64, tokens: 200_000 };

/** Limits, and a function that spends some of what they allow. */
function limitsOf(
  limits: { maxTokens?: number; thinkingTokens?: number } = {},
  caps: Partial<Caps> = {},
) {
  const meter = createUsageMeter();
  const made = createRequestLimits(limits, { ...CAPS, ...caps }, meter);
  return {
    ...made,
    spend(completion: number, usd = 0) {
      const price = { input: 0, output: completion === 0 ? 0 : usd * 1e6 / completion };
      const call = meter.call([], false);
      call.sent(price);
      call.add({ usage: { prompt: 1, cached: 0, completion } });
      call.end();
    },
  };
}

Deno.test("without a limit in the request, calls have none", () => {
  const { ceiling, canThink, spend } = limitsOf();
  spend(100_000);
  assertEquals([ceiling(true), ceiling(false)], [undefined, undefined]);
  assertEquals(canThink(), true);
});

for (
  const [maxTokens, kept] of [
    [10_000, 2_500],
    [4_096, 1_024],
    [2_048, 512],
    [1_500, 512],
    [1_024, 512],
    [600, 300],
    [100, 50],
  ] as const
) {
  Deno.test(`${kept} of ${maxTokens} tokens are reserved for the answer`, () => {
    assert(kept >= maxTokens / 4);
    const { ceiling, canThink } = limitsOf({ maxTokens });
    assertEquals(ceiling(false), maxTokens - kept);
    assertEquals(ceiling(true), maxTokens);
    assertEquals(canThink(), true);
  });
}

Deno.test("generated tokens reduce both limits, and the answer keeps its reserve", () => {
  const { ceiling, canThink, spend } = limitsOf({ maxTokens: 10_000 });
  spend(5_000);
  assertEquals([ceiling(false), ceiling(true)], [2_500, 5_000]);
  spend(2_480);
  assertEquals([ceiling(false), ceiling(true)], [20, 2_520]);
  assertEquals(canThink(), true);
  spend(10);
  assertEquals(canThink(), false);
  assertEquals([ceiling(false), ceiling(true)], [10, 2_510]);
});

Deno.test("the limit is never below one token, even if all tokens are spent", () => {
  const { ceiling, canThink, spend } = limitsOf({ maxTokens: 100 });
  spend(500);
  assertEquals([ceiling(false), ceiling(true), ceiling(false, 50)], [1, 1, 1]);
  assertEquals(canThink(), false);
});

Deno.test("parallel calls divide what is left for thinking", () => {
  const { ceiling } = limitsOf({ maxTokens: 1_000 });
  assertEquals([ceiling(false, 2), ceiling(false, 3)], [250, 166]);
});

Deno.test("a limit of a few tokens is for the answer only", () => {
  for (const maxTokens of [1, 2, 16, 30]) {
    const { canThink, ceiling } = limitsOf({ maxTokens });
    assertEquals(canThink(), false, String(maxTokens));
    assertEquals(ceiling(true), maxTokens);
  }
});

Deno.test("a limit for thinking does not limit the answer", () => {
  const { canThink, ceiling, spend } = limitsOf({ thinkingTokens: 1_000 });
  assertEquals([ceiling(false), ceiling(true)], [1_000, undefined]);
  spend(990);
  assertEquals(canThink(), false);
  assertEquals(ceiling(true), undefined);
  const both = limitsOf({ thinkingTokens: 9_000, maxTokens: 1_000 });
  assertEquals(both.ceiling(false), 500);
});

Deno.test("the cap on calls reserves one for the answer", () => {
  const { canThink, spend } = limitsOf({}, { calls: 3 });
  assertEquals(canThink(), true);
  spend(1);
  assertEquals(canThink(), true);
  spend(1);
  assertEquals(canThink(), false);
  assertEquals(limitsOf({}, { calls: 1 }).canThink(), false);
});

Deno.test("thinking ends when the cap on tokens or cost is reached", () => {
  const tokens = limitsOf({}, { tokens: 100 });
  tokens.spend(99);
  assertEquals(tokens.canThink(), true);
  tokens.spend(1);
  assertEquals(tokens.canThink(), false);
  const usd = limitsOf({}, { usd: 1 });
  usd.spend(10, 0.99);
  assertEquals(usd.canThink(), true);
  usd.spend(10, 0.02);
  assertEquals(usd.canThink(), false);
});

Deno.test("thinking calls don't use the answer's reserve", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 100_000 }),
    fc.array(fc.nat(20_000)),
    (maxTokens, wishes) => {
      const { ceiling, canThink, spend } = limitsOf({ maxTokens }, { calls: 1_000 });
      for (const wish of wishes) {
        if (!canThink()) break;
        spend(Math.min(ceiling(false)!, wish));
      }
      assert(ceiling(true)! >= Math.min(maxTokens, Math.ceil(maxTokens / 4)));
    },
  ));
});
