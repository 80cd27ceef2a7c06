import { assertEquals } from "@std/assert";
import { limitHeaders, rejection } from "../../../lib/server/limits/rejection.ts";
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
    const { headers } = rejection([stateOf({ retryAfterMs })], "m", 0);
    assertEquals([headers["retry-after"], headers["retry-after-ms"]], [seconds, milliseconds]);
  });
}
