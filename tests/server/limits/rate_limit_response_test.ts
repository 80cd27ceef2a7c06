import { assertEquals, assertStringIncludes } from "@std/assert";
import { limitError, limitHeaders } from "../../../lib/server/limits/rate_limit_response.ts";
import type { Rule } from "../../../lib/server/limits/rules.ts";

const RULE: Rule = { client: "alice", measure: "requests", per: "minute", amount: 60 };

function stateOf(times: { resetMs?: number; retryAfterMs?: number }) {
  const limit = { key: "a", kind: "rate", amount: 60, windowMs: 60_000 } as const;
  return {
    rule: RULE,
    cost: 1,
    state: { limit, remaining: 0, resetMs: 0, retryAfterMs: 0, ...times },
  };
}

for (
  const [resetMs, expected] of [
    [0, "0s"],
    [1, "1ms"],
    [999, "999ms"],
    [1_000, "1s"],
    [8_640, "8.64s"],
    [8_641, "8.65s"],
    [59_990, "59.99s"],
    [60_000, "1m0s"],
    [360_000, "6m0s"],
    [3_599_000, "59m59s"],
    [3_600_000, "1h0m0s"],
    [90_061_000, "25h1m1s"],
  ] as const
) {
  Deno.test(`a reset in ${resetMs} ms is written as ${expected}`, () => {
    assertEquals(
      limitHeaders([stateOf({ resetMs })], 0)["x-ratelimit-reset-requests"],
      expected,
    );
  });
}

for (
  const [retryAfterMs, seconds, milliseconds] of [
    [0.5, "1", "1"],
    [999, "1", "999"],
    [1_001, "2", "1001"],
  ] as const
) {
  Deno.test(`a wait of ${retryAfterMs} ms is rounded up to whole seconds and milliseconds`, () => {
    const { headers } = limitError([stateOf({ retryAfterMs })], "m", 0);
    assertEquals([headers["retry-after"], headers["retry-after-ms"]], [seconds, milliseconds]);
  });
}

type Exceeded = [measure: Rule["measure"], per: Rule["per"], retryAfterMs: number];

/** A minute before the end of a day, and two weeks before that of the month. */
const DATE = Date.UTC(2026, 0, 17, 23, 59);

for (
  const [exceeded, type, waitMs, text] of [
    [[["requests", "minute", 5_000], ["tokens", "minute", 7_000]], "tokens", 7_000, "TPM"],
    [[["tokens", "minute", 7_000], ["requests", "minute", 5_000]], "tokens", 7_000, "TPM"],
    [[["tokens", "minute", 7_000], ["requests", "minute", 7_001]], "requests", 7_001, "RPM"],
    [[["requests", "minute", 0], ["tokens", "minute", 1]], "tokens", 1, "TPM"],
    [[["tokens", "day", 0], ["tokens", "minute", 1]], "tokens", 1, "TPM"],
    // When a place is free is unknown.
    [[["requests", "minute", 999], ["parallel", "moment", 1]], "requests", 1_000, "at a time"],
    [[["parallel", "moment", 60_000], ["requests", "minute", 1_001]], "requests", 1_001, "RPM"],
    // Budgets last until their period ends.
    [[["tokens", "minute", 59_999], ["tokens", "day", 1]], "insufficient_quota", 60_000, "per day"],
    [[["tokens", "day", 1], ["tokens", "minute", 60_001]], "tokens", 60_001, "TPM"],
    [
      [["usd", "day", 1], ["usd", "month", 1]],
      "insufficient_quota",
      60_000 + 14 * 86_400_000,
      "per month; the next month begins on 2026-02-01",
    ],
  ] as const satisfies readonly (readonly [readonly Readonly<Exceeded>[], string, number, string])[]
) {
  const waits = exceeded.map(([measure, per, wait]) => `${measure} per ${per} for ${wait} ms`);
  Deno.test(`of the limits ${waits.join(" and ")} the one with the longest wait is reported`, () => {
    const states = exceeded.map(([measure, per, retryAfterMs]) => ({
      ...stateOf({ retryAfterMs }),
      rule: { ...RULE, measure, per },
    }));
    const error = limitError(states, "m", DATE);
    assertEquals([error.type, error.headers["retry-after-ms"]], [type, String(waitMs)]);
    assertStringIncludes(error.message, text);
  });
}

Deno.test("of several limits of one kind the headers show the one with the least remaining", () => {
  const states = [7, 3, 5].map((remaining) => {
    const { state, ...rest } = stateOf({});
    return { ...rest, rule: { ...RULE, amount: 10 * remaining }, state: { ...state, remaining } };
  });
  const headers = limitHeaders(states, 0);
  assertEquals(headers["x-ratelimit-limit-requests"], "30");
  assertEquals(headers["x-ratelimit-remaining-requests"], "3");
});
