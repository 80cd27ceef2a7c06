import { assertEquals } from "@std/assert";
import { figures } from "../../../lib/playground/page/chat/figures.ts";

for (
  const [cost, shown] of [
    [0, "$0"],
    [0.000_000_04, "$0.00000004"],
    [0.000_000_4, "$0.0000004"],
    [0.000_123_4, "$0.000123"],
    [0.001_234, "$0.00123"],
    [0.06, "$0.06"],
    [0.123_456, "$0.1235"],
    [1, "$1"],
    [10, "$10"],
    [12.5, "$12.5"],
    [1_234.567_89, "$1,234.5679"],
  ] as const
) {
  Deno.test(`a cost of ${cost} USD is shown as ${shown}`, () => {
    const usage = { total_tokens: 15, upstream: { calls: 1, cost } };
    assertEquals(figures(usage, 2), ["15 tokens", "1 call", shown, "2.0 s in total"]);
  });
}
