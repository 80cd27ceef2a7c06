import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../../lib/api/errors.ts";
import type { ReasoningEvent } from "../../../lib/reasoning/events.ts";
import { createKeyClaims } from "../../../lib/server/idempotency/key_claims.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createFakeClock, passing } from "../../support/clock.ts";

const EVENT: ReasoningEvent = { type: "answer", text: "4" };

function setUp() {
  const fake = createFakeClock();
  const shared = createMemoryLimiter({ now: fake.clock.date });
  return {
    fake,
    shared,
    /** Runs on another server; its run ends when the gate opens. */
    run(key: string, { owner = "alice", limiter = shared, clock = fake.clock } = {}) {
      const gate = Promise.withResolvers<void>();
      let hasStarted = false;
      const start = async function* () {
        hasStarted = true;
        yield EVENT;
        await gate.promise;
      };
      const events = createKeyClaims({ limiter, clock }).exclusive(owner, key, start)(
        new AbortController().signal,
      );
      return { events, end: gate.resolve, hasStarted: () => hasStarted };
    },
  };
}

Deno.test("while a run is in progress, one with its key is refused with status 409", async () => {
  const { run, fake } = setUp();
  const first = run("k");
  assertEquals((await first.events.next()).value, EVENT);
  const second = run("k");
  const error = await assertRejects(() => second.events.next(), ApiError);
  assertEquals([error.status, error.code, error.shouldRetry], [
    409,
    "idempotency_key_in_use",
    true,
  ]);
  assertEquals(second.hasStarted(), false);
  for (const other of [run("another"), run("k", { owner: "bob" })]) {
    assertEquals((await other.events.next()).value, EVENT);
    await other.events.return(undefined);
  }
  first.end();
  assertEquals((await first.events.next()).done, true);
  const third = run("k");
  assertEquals((await third.events.next()).value, EVENT);
  // Its client disconnects.
  await third.events.return(undefined);
  const fourth = run("k");
  assertEquals((await fourth.events.next()).value, EVENT);
  await fourth.events.return(undefined);
  assertEquals(fake.pending(), 0);
});

Deno.test("a claim is renewed while its run lasts, and expires with its server", async () => {
  const { run, fake } = setUp();
  const live = run("live");
  await live.events.next();
  const still = createFakeClock().clock;
  const dead = run("dead", { clock: still });
  await dead.events.next();
  await fake.advance(29_999);
  await assertRejects(() => run("dead").events.next(), ApiError);
  await fake.advance(60_000);
  await assertRejects(() => run("live").events.next(), ApiError);
  const second = run("dead");
  assertEquals((await second.events.next()).value, EVENT);
  await Promise.all([live.events.return(undefined), second.events.return(undefined)]);
  assertEquals(fake.pending(), 0);
});

Deno.test("a run starts without a claim if the limiter fails or is too slow", async () => {
  const { run, fake, shared } = setUp();
  const failing = { ...shared, take: () => Promise.reject(new Error("down")) };
  const first = run("k", { limiter: failing });
  assertEquals((await first.events.next()).value, EVENT);
  // It is taken, but its answer does not arrive.
  const late: typeof shared = {
    ...shared,
    take: (charges) => shared.take(charges).then(() => new Promise(() => {})),
  };
  const second = run("k", { limiter: late });
  assertEquals((await passing(fake, second.events.next())).value, EVENT);
  assertEquals(fake.clock.now() <= 350, true);
  await assertRejects(() => run("k").events.next(), ApiError);
  await fake.advance(3_000);
  const third = run("k");
  assertEquals((await third.events.next()).value, EVENT);
  // What it may have taken is released later, but not what another run has taken meanwhile.
  const fourth = run("k", { limiter: failing });
  assertEquals((await fourth.events.next()).value, EVENT);
  await fake.advance(3_000);
  await assertRejects(() => run("k").events.next(), ApiError);
  await Promise.all([first, second, third, fourth].map(({ events }) => events.return(undefined)));
  assertEquals(fake.pending(), 0);
});

Deno.test("a renewal that is under way does not take the claim of a run that has ended", async () => {
  const { run, fake, shared } = setUp();
  const gate = Promise.withResolvers<void>();
  const slow: typeof shared = {
    ...shared,
    renew: (charges) => gate.promise.then(() => shared.renew(charges)),
  };
  const first = run("k", { limiter: slow });
  await first.events.next();
  await fake.advance(10_000);
  const ended = first.events.return(undefined);
  await fake.advance(0);
  gate.resolve();
  await ended;
  await fake.advance(0);
  const second = run("k");
  assertEquals((await second.events.next()).value, EVENT);
  await second.events.return(undefined);
  assertEquals(fake.pending(), 0);
});
