import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../../lib/clock.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";
import { limitOf, limits, parallelOf, START } from "../../store/limits.ts";

const HOUR_MS = 3_600_000;

limits("a rate is not frozen by a clock that was hours ahead", async (limiter) => {
  const limit = limitOf("rate", 60);
  const take = async (at: number, cost: number) => (await limiter.take(at, [{ limit, cost }])).ok;
  assert(await take(START + 5 * HOUR_MS, 60));
  assertEquals(await take(START + 5 * HOUR_MS, 1), false);
  // The clock is right again. Nothing is known about the last minute.
  assert(await take(START, 60));
  assertEquals(await take(START, 1), false);
  assert(await take(START + 1_000, 1));
  assertEquals(await take(START + 1_000, 1), false);
});

limits("leases are not held for hours after a clock was ahead", async (limiter) => {
  const limit = parallelOf(1);
  const take = async (at: number, lease: string) =>
    (await limiter.take(at, [{ limit, cost: 1, lease }])).ok;
  assert(await take(START + 5 * HOUR_MS, "lost"));
  assertEquals(await take(START + 5 * HOUR_MS, "a"), false);
  assert(await take(START, "a"));
  assertEquals(await take(START, "b"), false);
  // The server that holds the first one renews it, beyond the limit.
  await limiter.renew(START, [{ limit, cost: 1, lease: "lost" }]);
  await limiter.settle(START, [{ limit, cost: 0, lease: "a" }]);
  assertEquals(await take(START, "b"), false);
});

for (const hours of [-5, 5]) {
  Deno.test(`a clock that jumps by ${hours} hours ends no background run of another server`, async () => {
    const opened = Promise.withResolvers<void>();
    await using upstream = startUpstream([{ content: ["4", "2"], gate: () => opened.promise }]);
    const fake = createFakeClock();
    const jumping: Clock = { ...fake.clock, date: () => fake.clock.date() + hours * HOUR_MS };
    const store = createMemoryStore({ now: fake.clock.date });
    const other = await createTestApp({ upstream: upstream.url, clock: fake.clock, store });
    const app = await createTestApp({ upstream: upstream.url, clock: jumping, store });
    const statusOf = async (asked: typeof app, id: string) =>
      (await (await asked.send(`/v1/responses/${id}`)).json()).status;
    const { id } = await (await other.respond({ model: "plain", background: true })).json();
    await upstream.called();
    for (let seconds = 0; seconds < 60; seconds++) {
      await fake.advance(1_000);
      assertEquals(await statusOf(app, id), "in_progress");
    }
    assertEquals(await statusOf(other, id), "in_progress");
    opened.resolve();
    await passing(fake, other.drain(1_000));
    assertEquals(await statusOf(app, id), "completed");
  });
}
