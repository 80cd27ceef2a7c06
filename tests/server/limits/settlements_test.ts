import { assert, assertEquals } from "@std/assert";
import { createSettlements } from "../../../lib/server/limits/settlements.ts";
import { createLog } from "../../../lib/server/telemetry/log.ts";
import type { Limit, Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createFakeClock } from "../../support/clock.ts";

const HOUR_MS = 3_600_000;
const limit: Limit = { key: "tokens", kind: "sum", amount: 1e9, windowMs: 30 * 24 * HOUR_MS };

/** Settlements over limits that can be away. */
function setUp() {
  const fake = createFakeClock();
  const limiter = createMemoryLimiter({ now: fake.clock.date });
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "text",
    write: (line) => void lines.push(line.slice("00:00:00 ".length).split(" cause=")[0]!),
    now: fake.clock.date,
  });
  const self = { isAway: false, calls: 0, times: [] as number[] };
  const failing: Limiter = {
    ...limiter,
    // deno-lint-ignore require-await -- what it throws must become a rejection
    async settle(charges) {
      self.calls++;
      self.times.push(fake.clock.now());
      if (self.isAway) throw new Error("no connection");
      return limiter.settle(charges);
    },
  };
  const settlements = createSettlements({ limiter: failing, clock: fake.clock, log });
  return Object.assign(self, {
    fake,
    lines,
    settlements,
    settle: (cost: number, lease?: string) =>
      settlements.settle([{ limit, cost, ...lease && { lease } }], Promise.resolve()),
    hold: (lease: string) => limiter.take([{ limit, cost: 1_000, lease }]),
    async used() {
      const { states } = await limiter.take([{ limit, cost: 0 }]);
      return limit.amount - states[0]!.remaining;
    },
  });
}

const AWAY = "error: Usage cannot be charged to the limits; the server keeps trying";
const BACK = "Usage is charged to the limits again";

Deno.test("usage during a limiter outage of 10 minutes is charged once afterwards", async () => {
  const setup = setUp();
  await setup.hold("a");
  setup.isAway = true;
  for (const lease of ["a", "b", "c"]) setup.settle(10, lease);
  await setup.fake.advance(600_000);
  assertEquals(await setup.used(), 0, "the lease has expired");
  const { calls } = setup;
  assert(calls > 10 && calls < 40, `${calls} calls`);
  setup.isAway = false;
  await setup.fake.advance(30_000);
  assertEquals(await setup.used(), 30);
  assertEquals(setup.lines, [AWAY, BACK]);
  await setup.fake.advance(600_000);
  assertEquals([setup.calls, setup.fake.pending()], [calls + 3, 0]);
  await setup.settlements.close();
});

Deno.test("a settlement is repeated only once the failed one can have no effect", async () => {
  const setup = setUp();
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(0);
  setup.isAway = false;
  await setup.fake.advance(2_999);
  assertEquals([setup.calls, await setup.used()], [1, 0]);
  await setup.fake.advance(1_001);
  assertEquals([setup.calls, await setup.used()], [2, 10]);
  await setup.settlements.close();
});

Deno.test("during an outage of the limiter, one settlement is retried after increasing delays", async () => {
  const setup = setUp();
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(100_000);
  assertEquals(setup.times, [0, 3_000, 7_000, 11_000, 19_000, 35_000, 65_000, 95_000]);
  setup.isAway = false;
  await setup.fake.advance(100_000);
  assertEquals(setup.times.splice(0).at(-1), 125_000);
  // Another outage is another beginning.
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(10_000);
  assertEquals(setup.times, [200_000, 203_000, 207_000]);
  setup.isAway = false;
  await setup.settlements.close();
  assertEquals(await setup.used(), 20);
  assertEquals(setup.lines, [AWAY, BACK, AWAY, BACK]);
});

Deno.test("a settlement waits for the renewal that would take its lease again", async () => {
  const setup = setUp();
  const renewal = Promise.withResolvers<void>();
  setup.settlements.settle([{ limit, cost: 10 }], renewal.promise);
  await setup.fake.advance(1_000);
  assertEquals(setup.calls, 0);
  renewal.resolve();
  await setup.settlements.close();
  assertEquals([setup.calls, await setup.used()], [1, 10]);
});

Deno.test("a take that may have taken effect is undone: its leases are released, and nothing is charged", async () => {
  const setup = setUp();
  await setup.hold("a");
  setup.settlements.undo([{ limit, cost: 1_000, lease: "a" }, { limit, cost: 5 }], 0);
  await setup.fake.advance(2_999);
  assertEquals([setup.calls, await setup.used()], [0, 1_000]);
  await setup.fake.advance(1);
  assertEquals([setup.calls, await setup.used()], [1, 0]);
  setup.settlements.undo([{ limit, cost: 5 }], 0);
  assertEquals(setup.fake.pending(), 0);
  assertEquals(setup.lines, []);
  await setup.settlements.close();
});

Deno.test("a settlement that always fails does not stop others, and is given up after an hour", async () => {
  const setup = setUp();
  setup.settlements.settle([{ limit, cost: NaN }], Promise.resolve());
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(0);
  setup.isAway = false;
  await setup.fake.advance(60_000);
  assertEquals(await setup.used(), 10);
  await setup.fake.advance(HOUR_MS + 60_000);
  assertEquals(setup.fake.pending(), 0);
  const lost = "error: Usage is not charged to the limits settlements=1";
  assertEquals(setup.lines, [AWAY, lost]);
  // It is not reported after another outage again.
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(0);
  setup.isAway = false;
  await setup.fake.advance(60_000);
  assertEquals(setup.lines, [AWAY, lost, AWAY, BACK]);
  await setup.settlements.close();
});

Deno.test("after a settlement was given up, the next one is repeated soon", async () => {
  const setup = setUp();
  setup.settlements.settle([{ limit, cost: NaN }], Promise.resolve());
  await setup.fake.advance(HOUR_MS + 60_000);
  assertEquals(setup.fake.pending(), 0);
  setup.isAway = true;
  setup.settle(10);
  await setup.fake.advance(0);
  setup.isAway = false;
  await setup.fake.advance(4_000);
  assertEquals(await setup.used(), 10);
  await setup.settlements.close();
});

Deno.test("at most 10,000 failed settlements are kept", async () => {
  const setup = setUp();
  setup.isAway = true;
  for (let i = 0; i < 10_002; i++) setup.settle(1);
  await setup.fake.advance(1_000);
  setup.isAway = false;
  await setup.settlements.close();
  assertEquals(await setup.used(), 10_000);
  assertEquals(setup.lines, [AWAY, "error: Usage is not charged to the limits settlements=2"]);
});

Deno.test("close() repeats failed settlements a last time, and returns even if that fails", async () => {
  for (const [isAway, hasFailed] of [[false, true], [true, true], [true, false]] as const) {
    const setup = setUp();
    setup.isAway = true;
    for (let i = 0; i < 3; i++) setup.settle(10);
    if (hasFailed) await setup.fake.advance(0);
    setup.isAway = isAway;
    await setup.settlements.close();
    assertEquals([await setup.used(), setup.fake.pending()], [isAway ? 0 : 30, 0]);
    const last = isAway ? "error: Usage is not charged to the limits settlements=3" : BACK;
    assertEquals(setup.lines, [AWAY, last]);
    assertEquals(setup.calls, isAway ? 4 : 6);
  }
});
