import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../../lib/clock.ts";
import { limitOf } from "../../../lib/server/limits/rules.ts";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { createTestApp, readStream, type TestApp } from "../../support/app.ts";
import { BACKENDS } from "../../support/stores/backends.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import { LIMIT_MS, waitUntil } from "../../support/wait.ts";

const warn = () => {};

function startApp(limits: string, upstream: string, limiter: Limiter, clock: Clock) {
  return createTestApp({
    upstream,
    clock,
    limiter,
    yaml: `
server: { max_retries: 0, request_timeout_ms: 86400000, stream_timeout_ms: 86400000 }
upstreams:
  u:
    base_url: UPSTREAM
    timeouts: { headers_ms: 86400000, first_token_ms: 86400000, idle_ms: 86400000, total_ms: 86400000 }
models: { m: { upstream: u, model: x } }
limits: { ${limits} }
`,
  });
}

async function statusOf(app: TestApp): Promise<number> {
  const response = await app.chat({ max_tokens: 7 });
  await response.body?.cancel();
  return response.status;
}

/** Starts a stream that has sent its first text. */
async function openStream(app: TestApp) {
  const stream = readStream(await app.chat({ stream: true, max_tokens: 1_000 }));
  await stream.until(({ content }) => content === "a");
  return stream;
}

Deno.test({
  ...skippedFor(NO_REDIS, "takes that time out while Redis is stopped reserve nothing afterwards"),
  async fn() {
    await using redis = await startRedis();
    await using upstream = startUpstream([{ content: "Hi" }]);
    const limiter = await openRedisLimiter({ url: redis.url, warn, timeoutMs: 2_000 });
    const fake = createFakeClock();
    const limits = "parallel: 8, daily_tokens: 1000";
    const app = await startApp(limits, upstream.url, limiter, fake.clock);
    assertEquals(await statusOf(app), 200);
    await redis.kill("SIGSTOP");
    const statuses = await Promise.all(Array.from({ length: 8 }, () => statusOf(app)));
    assertEquals(new Set(statuses), new Set([503]));
    // Longer than the deadline of the takes, which Redis reads now.
    await redis.kill("SIGCONT");
    assertEquals(await statusOf(app), 200);
    const rule = { client: undefined, measure: "parallel", per: "moment", amount: 8 } as const;
    const limit = limitOf(rule, fake.clock.date());
    const held = async () => 8 - (await limiter.take([{ limit, cost: 0 }])).states[0]!.remaining;
    const isFree = async () => await held() === 0;
    // The stop may have met the settlement of the first request, which is repeated.
    await waitUntil("no lease to be left", isFree, () => fake.advance(1_000));
    await app.drain(0);
    assertEquals(await held(), 0);
    await limiter.close();
  },
});

Deno.test("a settlement that took effect although it failed is applied once", async () => {
  for (const { kind, skipReason, prepare, start } of BACKENDS) {
    prepare?.();
    if (skipReason !== undefined) continue;
    const usage = { prompt_tokens: 8, completion_tokens: 7, total_tokens: 15 };
    await using upstream = startUpstream([{ content: "Hi", usage }]);
    const fake = createFakeClock();
    await using backend = await start(fake.clock.date);
    const limiter = await backend.openLimiter();
    let settlements = 0;
    const app = await startApp("tpm: 1000, daily_tokens: 1000", upstream.url, {
      ...limiter,
      neverFails: false,
      async settle(charges, id) {
        await limiter.settle(charges, id);
        if (++settlements < 3) throw new Error("The answer was lost");
      },
    }, fake.clock);
    assertEquals(await statusOf(app), 200, kind);
    await waitUntil(
      "the settlement to be repeated",
      () => settlements === 3,
      () => fake.advance(500),
    );
    await passing(fake, app.drain(0));
    const limit = limitOf(
      { client: undefined, measure: "tokens", per: "day", amount: 1_000 },
      fake.clock.date(),
    );
    const { states: [state] } = await limiter.take([{ limit, cost: 0 }]);
    assertEquals(state!.remaining, 985, kind);
  }
});

Deno.test("a take that took effect although it failed is undone", async () => {
  for (const { kind, skipReason, prepare, start } of BACKENDS) {
    prepare?.();
    if (skipReason !== undefined) continue;
    await using upstream = startUpstream([{ content: "Hi" }]);
    const fake = createFakeClock();
    await using backend = await start(fake.clock.date);
    const limiter = await backend.openLimiter();
    let isLost = true;
    const app = await startApp("parallel: 1, daily_tokens: 12", upstream.url, {
      ...limiter,
      async take(charges) {
        const result = await limiter.take(charges);
        // The second take of a request reserves its tokens.
        if (isLost && charges.some(({ cost, limit }) => cost > 1 && limit.kind === "sum")) {
          throw new Error("The answer was lost");
        }
        return result;
      },
    }, fake.clock);
    assertEquals(await statusOf(app), 503, kind);
    isLost = false;
    await waitUntil("the reserved tokens to return", async () => {
      await fake.advance(1_000);
      return await statusOf(app) === 200;
    });
    assert(fake.clock.now() < 10_000, `${kind}: ${fake.clock.now()} ms`);
    await passing(fake, app.drain(0));
  }
});

Deno.test({
  ...skippedFor(NO_REDIS, "servers whose clocks differ by 90 s run 4 requests of parallel: 4"),
  async fn() {
    await using redis = await startRedis();
    await using upstream = startUpstream(({ index }) => ({
      content: ["a", "b"],
      gate: (frame) => frame === 2 ? gates[index]!.promise : undefined,
    }));
    const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
    const fake = createFakeClock();
    const ahead: Clock = { ...fake.clock, date: () => fake.clock.date() + 90_000 };
    const apps: TestApp[] = [];
    const limiters: Limiter[] = [];
    for (const clock of [fake.clock, ahead]) {
      const limiter = await openRedisLimiter({ url: redis.url, warn, timeoutMs: LIMIT_MS });
      limiters.push(limiter);
      apps.push(await startApp("parallel: 4", upstream.url, limiter, clock));
    }
    const [behind, first] = apps as [TestApp, TestApp];
    const streams = [];
    for (const app of [behind, first, behind, first]) streams.push(await openStream(app));
    for (let renewals = 0; renewals < 10; renewals++) {
      assertEquals([await statusOf(behind), await statusOf(first)], [429, 429]);
      await fake.advance(20_000);
    }
    // A place that one of them leaves is free for the other.
    for (const [i, other] of [[0, first], [1, behind]] as const) {
      gates[i]!.resolve();
      await streams[i]!.until(({ done }) => done);
      await waitUntil("the place of a stream", async () => {
        const response = await other.chat({ stream: true });
        if (response.status === 429) return await response.body!.cancel(), false;
        streams.push(readStream(response));
        return true;
      });
      assertEquals([await statusOf(behind), await statusOf(first)], [429, 429]);
    }
    for (const gate of gates) gate.resolve();
    for (const stream of streams.slice(2)) await stream.until(({ done }) => done);
    for (const app of apps) await app.drain(0);
    for (const limiter of limiters) await limiter.close();
  },
});

Deno.test("what a run used before its server was killed stays charged", async () => {
  const usage = { prompt_tokens: 900, completion_tokens: 100, total_tokens: 1_000 };
  await using upstream = startUpstream(({ index }) => ({
    content: `Step ${index}`,
    usage,
    ...index === 4 && { before: gate.promise },
  }));
  const gate = Promise.withResolvers<void>();
  const fake = createFakeClock();
  const limiter = createMemoryLimiter({ now: fake.clock.date });
  let isKilled = false;
  const orDead =
    <Arguments extends unknown[], T>(call: (...args: Arguments) => Promise<T>) =>
    (...args: Arguments) =>
      isKilled ? Promise.reject(new Error("The server is dead")) : call(...args);
  const killed = await startApp("daily_tokens: 100000", upstream.url, {
    ...limiter,
    take: orDead(limiter.take),
    settle: orDead(limiter.settle),
    renew: orDead(limiter.renew),
  }, fake.clock);
  const other = await startApp("daily_tokens: 100000", upstream.url, limiter, fake.clock);
  const reasoning = { strategy: "steps", min_steps: 8, max_steps: 8 };
  const answer = killed.chat({ max_tokens: 100, reasoning });
  await waitUntil("the fifth call", () => upstream.calls.length === 5);
  isKilled = true;
  const remaining = async () => {
    const { headers } = await other.send("/v1/models");
    return Number(headers.get("x-ratelimit-remaining-tokens-day"));
  };
  assert(await remaining() < 96_000, `${await remaining()}`);
  await fake.advance(61_000);
  assertEquals(await remaining(), 96_000);
  gate.resolve();
  await (await answer).body?.cancel();
  await passing(fake, killed.drain(0));
});

for (
  const { kind, skipReason, prepare, start } of BACKENDS.filter(({ kind }) => kind !== "memory")
) {
  prepare?.();
  Deno.test({
    ...skippedFor(skipReason, `${kind}: reservations of a killed server return within a minute`),
    async fn() {
      const gate = Promise.withResolvers<void>();
      await using upstream = startUpstream([{
        content: ["a", "b"],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      }]);
      const fake = createFakeClock();
      await using backend = await start(fake.clock.date);
      const [first, second] = [await backend.openLimiter(), await backend.openLimiter()];
      let renewals = 0;
      const renewing: Limiter = {
        ...second,
        renew: (charges) => second.renew(charges).finally(() => renewals++),
      };
      const limits = "daily_tokens: 20000, monthly_tokens: 20000";
      const killed = await startApp(limits, upstream.url, first, fake.clock);
      const other = await startApp(limits, upstream.url, renewing, fake.clock);
      const remaining = async () => {
        const { headers } = await other.send("/v1/models");
        return ["day", "month"].map((per) =>
          Number(headers.get(`x-ratelimit-remaining-tokens-${per}`))
        );
      };
      const streams = [];
      for (let i = 0; i < 7; i++) streams.push(await openStream(killed));
      const live = await openStream(other);
      assert((await remaining()).every((left) => left < 13_000), `${await remaining()}`);
      await first.close();
      for (let i = 1; i <= 3; i++) {
        await fake.advance(20_000);
        await waitUntil("the renewal", () => renewals === i);
      }
      await fake.advance(1_000);
      // Of the server that lives, the reservation is renewed.
      const left = await remaining();
      assert(left.every((left) => left > 18_500 && left < 19_000), `${left}`);
      gate.resolve();
      await live.until(({ done }) => done);
      await other.drain(0);
      assertEquals(await remaining(), [20_000 - 15, 20_000 - 15]);
      for (const stream of streams) await stream.until(({ done }) => done);
      await passing(fake, killed.drain(0));
    },
  });
}
