import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Charge, Limit } from "../../lib/store/limiter.ts";
import { limits, START, timedMemoryLimiter } from "./limits.ts";

const limit = (prefix: string): fc.Arbitrary<Limit> =>
  fc.constantFrom<Limit>(
    { key: "a", kind: "rate", amount: 7, windowMs: 60_000 },
    { key: "a", kind: "rate", amount: 199_999, windowMs: 86_399_999 },
    { key: "b", kind: "rate", amount: 0.3, windowMs: 1_000 },
    { key: "a", kind: "sum", amount: 2.5, windowMs: 30_000 },
    { key: "b", kind: "sum", amount: 40, windowMs: 150_000 },
    { key: "c", kind: "sum", amount: 3, windowMs: 20_000 },
  ).map((limit) => ({ ...limit, key: prefix + limit.key }));

const share = fc.oneof(
  fc.constantFrom(0, 0.1, 0.5, 1, 1.01),
  fc.double({ min: 0, max: 1, noNaN: true }),
);
const lease = fc.constantFrom("1", "2", "3", "4", "5");

const charge = (prefix: string): fc.Arbitrary<Charge> =>
  fc.record({ limit: limit(prefix), share, lease, whole: fc.boolean() })
    .map(({ limit, share, lease, whole }) => {
      const cost = whole ? Math.round(limit.amount * share) : limit.amount * share;
      if (limit.kind === "rate" || lease === "5") return { limit, cost };
      // Sums of such fractions are exact, in any order.
      const exact = Math.round(4 * cost) / 4;
      return { limit, cost: exact, lease, used: whole ? 0 : exact / 2 };
    });

const unique = (prefix: string) =>
  fc.uniqueArray(charge(prefix), {
    maxLength: 4,
    selector: ({ limit }) => `${limit.kind} ${limit.key}`,
  });

const action = (prefix: string) =>
  fc.record({
    // The clocks of other servers may be behind.
    pass: fc.oneof(
      fc.integer({ min: -3, max: 30_000 }),
      fc.double({ min: 0, max: 90_000, noNaN: true }),
    ),
    act: fc.oneof(
      { weight: 4, arbitrary: unique(prefix).map((take) => ({ take })) },
      {
        weight: 2,
        arbitrary: fc.array(fc.tuple(charge(prefix), fc.constantFrom(-1, 1, 2)), { maxLength: 4 })
          .map((some) => ({
            settle: some.map(([charge, factor]): Charge => ({
              ...charge,
              cost: charge.cost * factor,
            })),
          })),
      },
      {
        weight: 1,
        arbitrary: fc.array(charge(prefix), { maxLength: 4 }).map((some) => ({
          renew: some.filter(({ lease }) => lease !== undefined),
        })),
      },
    ),
  });

limits(
  "any sequence of actions gives exactly the results of the memory limiter",
  async (limiter) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action(""), { maxLength: 30 }), async (actions) => {
        const prefix = `${run++}/`;
        const own = <T extends { limit: Limit }>(items: readonly T[]): T[] =>
          items.map((item) => ({
            ...item,
            // Several kinds of limits have the same key.
            limit: { ...item.limit, key: prefix + item.limit.key, group: prefix + item.limit.key },
          }));
        const memory = timedMemoryLimiter();
        let now = START;
        for (const { pass, act } of actions) {
          now += pass;
          if ("take" in act) {
            assertEquals(
              await limiter.take(now, own(act.take)),
              await memory.take(now, own(act.take)),
            );
          } else if ("settle" in act) {
            await limiter.settle(now, own(act.settle));
            await memory.settle(now, own(act.settle));
          } else {
            await limiter.renew(now, own(act.renew));
            await memory.renew(now, own(act.renew));
          }
        }
      }),
      { numRuns: 60 },
    );
  },
  ["sqlite", "kv", "redis", "postgres"],
);

/** A rate without rounding: its level is in units times the window. */
function exactRate(amount: number, windowMs: number) {
  const [rise, fall] = [BigInt(windowMs), BigInt(amount)];
  let [level, at] = [0n, BigInt(START)];
  const drain = (now: number) => {
    const passed = BigInt(now) - at;
    if (passed > 0n) {
      level -= passed * fall;
      if (level < 0n) level = 0n;
      at = BigInt(now);
    }
  };
  return {
    take(now: number, cost: number): boolean {
      drain(now);
      if (level + BigInt(cost) * rise > rise * fall) return false;
      level += BigInt(cost) * rise;
      return true;
    },
    settle(now: number, cost: number) {
      drain(now);
      level += BigInt(cost) * rise;
      if (level < 0n) level = 0n;
    },
  };
}

const rates = fc.record({
  amount: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 1_000_000 })),
  windowMs: fc.constantFrom(1, 7, 1_000, 60_000, 86_400_000, 2_678_400_000),
});
const steps = fc.array(
  fc.record({
    share: fc.constantFrom(0, 1e-6, 0.01, 0.3, 0.5, 1),
    wait: fc.constantFrom(0, 0, 1e-7, 0.01, 0.2, 1, 3),
    settle: fc.constantFrom(0, 0, 0, -1, 1),
  }),
  { maxLength: 60 },
);

Deno.test("a rate with whole units decides as exact arithmetic does", async () => {
  await fc.assert(
    fc.asyncProperty(rates, steps, async (rate, some) => {
      const limiter = timedMemoryLimiter();
      const exact = exactRate(rate.amount, rate.windowMs);
      const limit: Limit = { key: "a", kind: "rate", ...rate };
      let now = START;
      for (const { share, wait, settle } of some) {
        now += Math.round(wait * rate.windowMs);
        const cost = Math.ceil(share * rate.amount);
        if (settle === 0) {
          assertEquals(
            (await limiter.take(now, [{ limit, cost }])).ok,
            cost === 0 || exact.take(now, cost),
          );
        } else {
          await limiter.settle(now, [{ limit, cost: cost * settle }]);
          exact.settle(now, cost * settle);
        }
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("over any period a rate grants at most its amount plus the refill, net of refunds", async () => {
  await fc.assert(
    fc.asyncProperty(rates, steps, async (rate, some) => {
      const limiter = timedMemoryLimiter();
      const limit: Limit = { key: "a", kind: "rate", ...rate };
      const events: { at: number; units: number }[] = [];
      let now = START;
      for (const { share, wait, settle } of some) {
        now += Math.round(wait * rate.windowMs);
        const cost = Math.ceil(share * rate.amount);
        if (settle === -1) {
          await limiter.settle(now, [{ limit, cost: -cost }]);
          events.push({ at: now, units: -cost });
        } else if ((await limiter.take(now, [{ limit, cost }])).ok) {
          events.push({ at: now, units: cost });
        }
      }
      for (const [i, first] of events.entries()) {
        let units = 0;
        for (const last of events.slice(i)) {
          units += last.units;
          const maximum = rate.amount + (last.at - first.at) * rate.amount / rate.windowMs;
          assert(units <= maximum * (1 + 1e-12), `${units} units, maximum ${maximum}`);
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a rejected charge is granted after its retryAfterMs, and not 1 ms earlier", async () => {
  await fc.assert(
    fc.asyncProperty(rates, steps, async (rate, some) => {
      const limiter = timedMemoryLimiter();
      const limit: Limit = { key: "a", kind: "rate", ...rate };
      let now = START;
      for (const { share, wait } of some) {
        now += Math.round(wait * rate.windowMs);
        const cost = Math.ceil(share * rate.amount);
        const { ok, states } = await limiter.take(now, [{ limit, cost }]);
        if (ok) continue;
        const { retryAfterMs } = states[0]!;
        assertEquals((await limiter.take(now + retryAfterMs - 1, [{ limit, cost }])).ok, false);
        now += retryAfterMs;
        assertEquals((await limiter.take(now, [{ limit, cost }])).ok, true);
      }
    }),
    { numRuns: 200 },
  );
});
