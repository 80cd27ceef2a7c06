import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Charge, createLimiter, type Limit } from "../../lib/store/limiter.ts";
import { limitOf, limits, parallelOf, START as T, summary } from "./limits.ts";

limits("a rate grants a burst of its amount, then what refills", async (limiter) => {
  const limit = limitOf("rate", 60);
  const take = async (at: number, cost: number) =>
    summary(await limiter.take(at, [{ limit, cost }]));
  assertEquals(await take(T, 0), [true, 60, 0, 0]);
  assertEquals(await take(T, 40), [true, 20, 20_000, 40_000]);
  assertEquals(await take(T, 21), [false, 20, 1_000, 40_000]);
  assertEquals(await take(T + 999, 21), [false, 20.999, 1, 39_001]);
  assertEquals(await take(T + 1_000, 21), [true, 0, 21_000, 60_000]);
  assertEquals(await take(T + 1_000, 1), [false, 0, 1_000, 60_000]);
  assertEquals(await take(T + 61_000, 60), [true, 0, 60_000, 60_000]);
  assertEquals(await take(T + 10_000_000, 61), [false, 60, Infinity, 0]);
});

limits("a rate counts fractions of a unit", async (limiter) => {
  const limit = limitOf("rate", 1, 1_000);
  const take = async (at: number, cost: number) =>
    summary(await limiter.take(at, [{ limit, cost }]));
  assertEquals(await take(T, 0.25), [true, 0.75, 0, 250]);
  assertEquals(await take(T, 0.75), [true, 0, 750, 1_000]);
  assertEquals(await take(T + 3, 0.004), [false, 0.003, 1, 997]);
  assertEquals(await take(T + 4, 0.004), [true, 0, 4, 1_000]);
});

limits("a clock that goes back refills nothing twice", async (limiter) => {
  const limit = limitOf("rate", 60);
  const take = async (at: number, cost: number) => (await limiter.take(at, [{ limit, cost }])).ok;
  assert(await take(T, 60));
  assert(await take(T + 1_000, 1));
  assertEquals(await take(T, 1), false);
  assertEquals(await take(T + 1_000, 1), false);
  assert(await take(T + 2_000, 1));
});

limits(
  "a rate that was refunded whole keeps no time of a clock that was ahead",
  async (limiter) => {
    const limit = limitOf("rate", 60);
    const read = async (limit: Limit) => summary(await limiter.take(T + 5, [{ limit, cost: 0 }]));
    await limiter.take(T + 5, [{ limit, cost: 30 }]);
    await limiter.settle(T + 5, [{ limit, cost: -30 }]);
    await limiter.take(T, [{ limit, cost: 30 }]);
    assertEquals(await read(limit), [true, 30.005, 0, 29_995]);
    const other = { ...limit, key: "bob" };
    await limiter.take(T + 5, [{ limit: other, cost: 30 }]);
    await limiter.settle(T, [{ limit: other, cost: -30 }, { limit: other, cost: 30 }]);
    assertEquals(await read(other), [true, 30.005, 0, 29_995]);
  },
);

limits("a sum is a total until its period ends", async (limiter) => {
  const limit = limitOf("sum", 5, 86_400_000);
  const take = async (at: number, cost: number) =>
    summary(await limiter.take(at, [{ limit, cost }]));
  assertEquals(await take(T, 0), [true, 5, 0, 0]);
  assertEquals(await take(T, 4.5), [true, 0.5, 86_400_000, 86_400_000]);
  assertEquals(await take(T + 1_000, 1), [false, 0.5, 86_399_000, 86_399_000]);
  assertEquals(await take(T + 1_000, 0.5), [true, 0, 86_399_000, 86_399_000]);
  assertEquals(await take(T + 1_000, 6), [false, 0, Infinity, 86_399_000]);
  assertEquals(await take(T + 86_400_000, 5), [true, 0, 86_400_000, 86_400_000]);
});

limits(
  "a limit grants as many leases as its amount, until they are released or expire",
  async (limiter) => {
    const limit = parallelOf(2, 30_000);
    const take = async (at: number, lease: string) => {
      const { ok, states: [state] } = await limiter.take(at, [{ limit, cost: 1, lease }]);
      assert(ok || state!.retryAfterMs > 0, "a rejection has a delay");
      return [ok, state!.remaining];
    };
    assertEquals(await take(T, "a"), [true, 1]);
    assertEquals(await take(T + 10_000, "b"), [true, 0]);
    assertEquals(await take(T + 11_000, "c"), [false, 0]);
    await limiter.settle(T + 13_000, [{ limit, cost: 0, lease: "b" }]);
    assertEquals(await take(T + 14_000, "c"), [true, 0]);
    await limiter.renew(T + 20_000, [{ limit, cost: 1, lease: "a" }]);
    assertEquals(await take(T + 31_000, "d"), [false, 0]);
    assertEquals((await take(T + 44_000, "d"))[0], true, "the lease of a crashed server expires");
    assertEquals((await take(T + 49_999, "e"))[0], false);
    assertEquals((await take(T + 50_000, "e"))[0], true);
    await limiter.renew(T + 50_000, [{ limit, cost: 1, lease: "c" }, {
      limit,
      cost: 1,
      lease: "a",
    }]);
    const [state] = (await limiter.take(T + 50_000, [{ limit, cost: 0 }])).states;
    assertEquals(state!.remaining, 0);
    assertEquals(await take(T + 50_000, "f"), [false, 0]);
  },
);

limits(
  "leases of a sum hold units until they are settled or expire after a minute",
  async (limiter) => {
    const limit = limitOf("sum", 100, 86_400_000);
    const charge = (cost: number, lease?: string) => [{ limit, cost, ...lease && { lease } }];
    const take = async (at: number, cost: number, lease?: string) => {
      const { ok, states: [state] } = await limiter.take(at, charge(cost, lease));
      return [ok, state!.remaining];
    };
    assertEquals(await take(T, 40, "a"), [true, 60]);
    assertEquals(await take(T, 50, "b"), [true, 10]);
    assertEquals(await take(T, 20, "c"), [false, 10]);
    assertEquals(await take(T, 10, "a"), [true, 0], "a lease can be raised");
    assertEquals(await take(T, 1, "a"), [false, 0], "but not beyond the limit");
    await limiter.settle(T + 1, charge(5, "a"));
    assertEquals(await take(T + 1, 0), [true, 45], "5 used, 50 held");
    await limiter.renew(T + 30_000, charge(9, "b"));
    assertEquals(await take(T + 60_001, 0), [true, 45], "renewed with what it holds");
    assertEquals(await take(T + 90_000, 0), [true, 95], "expired");
    await limiter.renew(T + 90_000, charge(9, "b"));
    assertEquals(await take(T + 90_000, 0), [true, 86], "taken again");
    assertEquals(await take(T + 90_000, 86), [true, 0], "units without a lease");
    await limiter.renew(T + 90_000, charge(20, "d"));
    assertEquals(await take(T + 90_000, 1), [false, 0], "beyond the limit");
    await limiter.settle(T + 90_000, [...charge(1, "b"), ...charge(2, "d")]);
    assertEquals(await take(T + 90_000, 0), [true, 6]);
    await limiter.settle(T + 90_000, charge(3, "gone"));
    assertEquals(await take(T + 90_000, 0), [true, 3], "what was used counts without a lease");
    await limiter.settle(T + 90_000, charge(0, "gone"));
    assertEquals(await take(T + 90_000, 0), [true, 3]);
  },
);

limits("what a lease has used stays charged when it expires", async (limiter) => {
  const limit = limitOf("sum", 100, 86_400_000);
  const take = async (at: number, cost: number, used?: number) => {
    const lease = used === undefined ? {} : { lease: "a", used };
    const { ok, states: [state] } = await limiter.take(at, [{ limit, cost, ...lease }]);
    return [ok, state!.remaining];
  };
  assertEquals(await take(T, 40, 0), [true, 60]);
  assertEquals(await take(T, 30, 25), [true, 30], "25 used, 45 held");
  assertEquals(await take(T, 31, 45), [false, 30]);
  assertEquals(await take(T + 60_000, 0), [true, 75], "as if the server was killed");
  await limiter.renew(T + 60_000, [{ limit, cost: 45, lease: "a" }]);
  assertEquals(await take(T + 60_000, 0), [true, 30], "as if it was not");
  await limiter.settle(T + 60_000, [{ limit, cost: 15, lease: "a" }]);
  assertEquals(await take(T + 60_000, 0), [true, 60]);
});

limits("a sum that resets keeps the leases of running requests", async (limiter) => {
  const limit = limitOf("sum", 100, 90_000);
  const left = async (at: number) =>
    (await limiter.take(at, [{ limit, cost: 0 }])).states[0]!.remaining;
  await limiter.take(T, [{ limit, cost: 30 }]);
  await limiter.take(T + 80_000, [{ limit, cost: 40, lease: "a" }]);
  assertEquals(await left(T + 89_999), 30);
  assertEquals(await left(T + 90_000), 60);
  await limiter.settle(T + 100_000, [{ limit, cost: 10, lease: "a" }]);
  assertEquals([await left(T + 100_000), await left(T + 189_999)], [90, 90]);
  assertEquals(await left(T + 190_000), 100);
});

limits("leases of a sum are not held for hours after a clock was ahead", async (limiter) => {
  const limit = limitOf("sum", 100, 86_400_000);
  await limiter.take(T + 7_200_000, [{ limit, cost: 60, lease: "lost" }]);
  await limiter.take(T + 7_200_000, [{ limit, cost: 30, lease: "a" }]);
  await limiter.renew(T, [{ limit, cost: 30, lease: "a" }]);
  const { states } = await limiter.take(T, [{ limit, cost: 0 }]);
  assertEquals(states[0]!.remaining, 70);
});

limits("a sum that was refunded whole begins its period anew", async (limiter) => {
  const limit = limitOf("sum", 100, 90_000);
  const left = async (at: number) =>
    (await limiter.take(at, [{ limit, cost: 0 }])).states[0]!.remaining;
  await limiter.take(T, [{ limit, cost: 30 }]);
  await limiter.settle(T + 10_000, [{ limit, cost: -30 }]);
  await limiter.take(T + 20_000, [{ limit, cost: 40 }]);
  assertEquals([await left(T + 109_999), await left(T + 110_000)], [60, 100]);
  await limiter.take(T + 110_000, [{ limit, cost: 30 }]);
  await limiter.settle(T + 120_000, [{ limit, cost: -30 }, { limit, cost: 10 }]);
  assertEquals([await left(T + 209_999), await left(T + 210_000)], [90, 100]);
});

limits("a charge at the end of a sum's period begins the next one", async (limiter) => {
  const limit = limitOf("sum", 100, 90_000);
  const take = async (at: number, cost: number, lease?: string) =>
    (await limiter.take(at, [{ limit, cost, ...lease && { lease } }])).states[0]!.remaining;
  await take(T, 30);
  await take(T + 80_000, 40, "a");
  assertEquals(await take(T + 90_000, 5), 55);
  assertEquals([await take(T + 179_999, 0), await take(T + 180_000, 0)], [95, 100]);
});

limits("a lease that has ended is not taken again beyond the limit", async (limiter) => {
  const limit = parallelOf(1, 30_000);
  const charge = (lease: string) => [{ limit, cost: 1, lease }];
  await limiter.take(T, charge("a"));
  await limiter.renew(T + 10_000, charge("b"));
  await limiter.settle(T + 29_999, [{ limit, cost: 0, lease: "a" }]);
  await limiter.renew(T + 29_999, charge("c"));
  assertEquals((await limiter.take(T + 40_000, charge("b"))).ok, false);
});

limits("what a clock charged that was ahead counts unless it was far ahead", async (limiter) => {
  for (
    const [kind, windowMs, aheadMs, isCounted] of [
      // By a window.
      ["rate", 60_000, 60_000, true],
      ["rate", 60_000, 60_001, false],
      // By a lifetime and a second, so that the leases end after two lifetimes and a second.
      ["sum", 86_400_000, 61_000, true],
      ["sum", 86_400_000, 62_000, false],
      ["sum", 30_000, 31_000, true],
      ["sum", 30_000, 32_000, false],
    ] as const
  ) {
    const limit = { ...limitOf(kind, 1, windowMs), key: `${kind} ${aheadMs}` };
    const take = async (at: number, lease: string) =>
      (await limiter.take(at, [{ limit, cost: 1, ...kind !== "rate" && { lease } }])).ok;
    assert(await take(T + aheadMs, "a"));
    assertEquals(await take(T, "b"), !isCounted, limit.key);
    assertEquals(await take(T, "c"), false, limit.key);
  }
});

limits("take charges all limits or none", async (limiter) => {
  const [rate, sum, parallel] = [limitOf("rate", 10), limitOf("sum", 3), parallelOf(2)];
  const take = (cost: number, lease: string) =>
    limiter.take(T, [
      { limit: rate, cost: 1 },
      { limit: sum, cost },
      { limit: parallel, cost: 1, lease },
    ]);
  const remaining = async (cost: number, lease: string) => {
    const { ok, states } = await take(cost, lease);
    return [ok, ...states.map((state) => state.remaining)];
  };
  assertEquals(await remaining(1, "a"), [true, 9, 2, 1]);
  assertEquals(await remaining(3, "b"), [false, 9, 2, 1]);
  assertEquals(await remaining(0, "b"), [true, 8, 2, 0]);
  assertEquals(await remaining(1, "c"), [false, 8, 2, 0]);
  assertEquals(await limiter.take(T, []), { ok: true, states: [] });
});

limits("settle refunds units or creates debt", async (limiter) => {
  const [rate, sum] = [limitOf("rate", 60), limitOf("sum", 60)];
  const settle = (at: number, cost: number) =>
    limiter.settle(at, [{ limit: rate, cost }, { limit: sum, cost }]);
  const look = async (at: number, cost = 0) =>
    (await limiter.take(at, [{ limit: rate, cost }, { limit: sum, cost }])).states
      .map((state) => [state.remaining, state.retryAfterMs]);
  await limiter.take(T, [{ limit: rate, cost: 50 }, { limit: sum, cost: 50 }]);
  await settle(T, -30);
  assertEquals(await look(T), [[40, 0], [40, 0]]);
  await settle(T, 100);
  assertEquals(await look(T), [[0, 60_000], [0, 60_000]]);
  const rejected = await limiter.take(T, [{ limit: rate, cost: 1 }]);
  assertEquals(summary(rejected), [false, 0, 61_000, 120_000]);
  assertEquals(
    (await limiter.take(T, [{ limit: rate, cost: 0 }])).ok,
    true,
    "a cost of 0 always succeeds",
  );
  assertEquals((await limiter.take(T + 60_999, [{ limit: rate, cost: 1 }])).ok, false);
  assertEquals((await limiter.take(T + 61_000, [{ limit: rate, cost: 1 }])).ok, true);
  await settle(T + 61_000, -1_000_000);
  assertEquals(await look(T + 61_000), [[60, 0], [60, 0]]);
});

limits("a settlement that is repeated with its id counts once", async (limiter) => {
  const group = "alice";
  const rate = { ...limitOf("rate", 100), group };
  const sum = { ...limitOf("sum", 100, 86_400_000), group };
  const parallel = { ...parallelOf(2), group };
  const left = async (at: number) =>
    (await limiter.take(at, [rate, sum, parallel].map((limit) => ({ limit, cost: 0 })))).states
      .map(({ remaining }) => remaining);
  for (const lease of ["a", "b"]) {
    await limiter.take(T, [
      { limit: rate, cost: 20 },
      { limit: sum, cost: 20, lease },
      { limit: parallel, cost: 1, lease },
    ]);
  }
  assertEquals(await left(T), [60, 60, 0]);
  const settlement = (lease: string) => [
    { limit: rate, cost: -10 },
    { limit: sum, cost: 5, lease },
    { limit: parallel, cost: 0, lease },
  ];
  for (const at of [T, T + 1, T + 2]) await limiter.settle(at, settlement("a"), "a");
  // A clock that goes back.
  await limiter.settle(T - 5, settlement("a"), "a");
  assertEquals(await left(T), [70, 75, 1]);
  await limiter.settle(T, settlement("b"), "b");
  assertEquals(await left(T), [80, 90, 2]);
  // What a take that failed may hold is released with its lease, whatever has been settled.
  await limiter.take(T, [{ limit: sum, cost: 30, lease: "b" }]);
  await limiter.settle(T, [{ limit: sum, cost: 0, lease: "b" }]);
  assertEquals(await left(T), [80, 90, 2]);
  await limiter.settle(T + 599_999, settlement("b"), "b");
  assertEquals((await left(T + 599_999))[1], 90);
  await limiter.settle(T + 600_000, settlement("b"), "b");
  assertEquals((await left(T + 600_000))[1], 85, "an id is remembered for 10 minutes");
  await limiter.settle(T + 600_000, [{ limit: sum, cost: 5 }], "without a lease");
  await limiter.settle(T + 600_000, [{ limit: sum, cost: 5 }], "without a lease");
  assertEquals((await left(T + 600_000))[1], 80);
});

limits("each key, kind and window of a rate has its own account", async (limiter) => {
  const some = [
    limitOf("rate", 5),
    limitOf("rate", 5, 1_000),
    limitOf("sum", 5),
    { ...limitOf("rate", 5), key: "bob" },
    { ...limitOf("sum", 5), key: "__proto__" },
  ];
  for (const limit of some) {
    assertEquals((await limiter.take(T, [{ limit, cost: 5 }])).ok, true);
    assertEquals((await limiter.take(T, [{ limit, cost: 1 }])).ok, false);
  }
});

limits("a changed amount applies to earlier charges", async (limiter) => {
  assert((await limiter.take(T, [{ limit: limitOf("rate", 100), cost: 60 }])).ok);
  const lower = limitOf("rate", 30);
  assertEquals(summary(await limiter.take(T, [{ limit: lower, cost: 1 }])), [
    false,
    0,
    62_000,
    120_000,
  ]);
  const higher = limitOf("rate", 120);
  assertEquals((await limiter.take(T, [{ limit: higher, cost: 60 }])).ok, true);
});

limits("invalid charges are rejected", async (limiter) => {
  const rejects = async (work: () => Promise<unknown>) => void await assertRejects(work, TypeError);
  for (const amount of [0, -1, NaN, Infinity]) {
    await rejects(() => limiter.take(T, [{ limit: limitOf("rate", amount), cost: 1 }]));
    await rejects(() => limiter.take(T, [{ limit: limitOf("rate", 1, amount), cost: 1 }]));
    await rejects(() => limiter.settle(T, [{ limit: limitOf("sum", amount), cost: 1 }]));
  }
  for (const cost of [-1, NaN, Infinity]) {
    await rejects(() => limiter.take(T, [{ limit: limitOf("sum", 1), cost }]));
  }
  await rejects(() => limiter.settle(T, [{ limit: limitOf("rate", 1), cost: NaN }]));
  await rejects(() => limiter.renew(T, [{ limit: limitOf("rate", 1), cost: 1, lease: "a" }]));
  await rejects(() => limiter.renew(T, [{ limit: limitOf("sum", 1), cost: 1 }]));
  for (const cost of [-1, NaN]) {
    await rejects(() => limiter.renew(T, [{ limit: limitOf("sum", 1), cost, lease: "a" }]));
  }
  await rejects(() => limiter.take(T, [{ limit: limitOf("rate", 1), cost: 1, lease: "a" }]));
  for (const used of [-1, NaN, Infinity]) {
    await rejects(() => limiter.take(T, [{ limit: limitOf("sum", 1), cost: 1, lease: "a", used }]));
  }
  const twice = { limit: limitOf("sum", 9), cost: 1 };
  await rejects(() => limiter.take(T, [twice, twice]));
});

limits(
  "50 concurrent takes on two handles never exceed the limit",
  async (limiter, openAnother) => {
    const handles = [limiter, await openAnother()];
    const [rate, parallel] = [limitOf("rate", 20), parallelOf(15)];
    const race = (ask: (i: number) => object) =>
      Promise.all(Array.from({ length: 50 }, async (_, i) => {
        const limit = { limit: rate, cost: 1, ...ask(i) };
        return (await handles[i % 2]!.take(T, [limit])).ok;
      }));
    assertEquals((await race(() => ({}))).filter((ok) => ok).length, 20);
    const leases = await race((i) => ({ limit: parallel, lease: `${i}` }));
    assertEquals(leases.filter((ok) => ok).length, 15);
  },
);

limits("two handles with 1,000 takes each never exceed the limit", async (limiter, openAnother) => {
  const other = await openAnother();
  const limit = limitOf("rate", 300);
  let granted = 0;
  // Different batch sizes make the handles interleave in many ways.
  const tries = async (handle: typeof limiter, step: number) => {
    for (let i = 0; i < 1_000; i += step) {
      const results = Array.from(
        { length: step },
        (_, j) => handle.take(T + i + j, [{ limit, cost: 1 }]),
      );
      const { length } = (await Promise.all(results)).filter(({ ok }) => ok);
      granted += length;
    }
  };
  await Promise.all([tries(limiter, 10), tries(other, 8)]);
  // 5 units refill in the second that passes.
  assert(granted >= 300 && granted <= 304, `${granted} were granted`);
}, ["sqlite", "kv", "redis", "postgres"]);

limits("close may be called twice", async (limiter) => {
  assert((await limiter.take(T, [{ limit: limitOf("sum", 1), cost: 1 }])).ok);
  await limiter.close();
  await limiter.close();
});

Deno.test("many leases are renewed in several calls of the back end", async () => {
  const calls: Charge[][] = [];
  const limiter = createLimiter({
    apply(_action, charges) {
      calls.push([...charges]);
      return { ok: true, states: [] };
    },
    close() {},
  });
  const leases = Array.from({ length: 1_001 }, (_, i): Charge => {
    return { limit: parallelOf(2_000), cost: 1, lease: `${i}` };
  });
  await limiter.renew(leases);
  assertEquals(calls.map(({ length }) => length), [500, 500, 1]);
  assertEquals(calls.flat(), leases);
});
