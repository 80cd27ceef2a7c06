import { assertEquals } from "@std/assert";
import {
  type Estimate,
  expectedUnits,
  reservedUnits,
  usedUnits,
} from "../../../lib/server/limits/cost.ts";
import { NANO, type Rule } from "../../../lib/server/limits/rules.ts";
import type { Usage } from "../../../lib/reasoning/usage/meter.ts";

/** Prices are in USD per million tokens. */
const ESTIMATE: Estimate = {
  calls: 3,
  promptTokens: 50,
  generatedTokens: 20,
  price: { input: 3, output: 6 },
};

const ruleOf = (measure: Rule["measure"], amount: number): Rule => {
  return { client: undefined, measure, per: "day", amount };
};

for (
  const [name, measure, amount, estimate, units] of [
    ["the first calls", "tokens", 1_000, {}, 3 * 50 + 3 * 20],
    [
      "an eighth of the limit for long answers",
      "tokens",
      1_000,
      { generatedTokens: 42 },
      150 + 125,
    ],
    [
      "all of the limit",
      "tokens",
      1_000,
      { calls: 2, promptTokens: 450, generatedTokens: 50 },
      1_000,
    ],
    ["one call instead of more than the limit", "tokens", 1_000, { promptTokens: 400 }, 400 + 20],
    ["the limit for one call that is more", "tokens", 1_000, { promptTokens: 1_001 }, 1_000],
    ["prices", "usd", 10 * NANO, {}, 3 * 50 * 3_000 + 3 * 20 * 6_000],
    ["prices, rounded up", "usd", 10 * NANO, { price: { input: 0.0001, output: 0 } }, 15],
    ["one request", "requests", 10, {}, 1],
    ["one place", "parallel", 10, {}, 1],
  ] as const
) {
  Deno.test(`a reservation is ${units} units for ${name}`, () => {
    assertEquals(reservedUnits(ruleOf(measure, amount), { ...ESTIMATE, ...estimate }), units);
  });
}

function usageOf(calls: number, prompt: number, completion: number, cost?: number): Usage {
  const upstream = { calls, prompt_tokens: prompt, completion_tokens: completion, cost };
  return { upstream } as unknown as Usage;
}

for (
  const [name, measure, usage, calls, units] of [
    ["before any has ended", "tokens", usageOf(0, 0, 0), 2, 2 * 50 + 2 * 20],
    ["of which each uses the average", "tokens", usageOf(4, 900, 100), 3, 1_000 + 750],
    ["rounded up", "tokens", usageOf(3, 60, 40), 1, 134],
    ["by their cost", "usd", usageOf(2, 9, 9, 0.000_002), 1, 3_000],
  ] as const
) {
  Deno.test(`further calls are expected to use what the calls before used, ${name}`, () => {
    assertEquals(expectedUnits(ruleOf(measure, 1_000), ESTIMATE, usage, calls), units);
  });
}

Deno.test("a run is charged its tokens, its cost in billionths of a USD, and one request", () => {
  const usage = usageOf(2, 30, 12, 0.000_001_5);
  assertEquals(usedUnits("tokens", usage), 42);
  assertEquals(usedUnits("usd", usage), 1_500);
  assertEquals(usedUnits("usd", usageOf(2, 30, 12)), 0);
  assertEquals(usedUnits("requests", usage), 1);
});
