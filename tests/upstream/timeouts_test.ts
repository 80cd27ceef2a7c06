import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { UpstreamError } from "../../lib/upstream/errors.ts";
import { startWatchdog } from "../../lib/upstream/timeouts.ts";
import { createFakeClock } from "../support/clock.ts";

const LIMITS = { headers_ms: 10_000, first_token_ms: 20_000, idle_ms: 5_000, total_ms: 100_000 };

/** A watchdog under a clock that the test turns, and what it has reported. */
function watch(stream = true, limits: Partial<typeof LIMITS> = {}) {
  const { clock, advance, pending } = createFakeClock();
  const reports: (UpstreamError | undefined)[] = [];
  const watchdog = startWatchdog(
    clock,
    { ...LIMITS, ...limits },
    stream,
    (error) => reports.push(error),
  );
  return {
    watchdog,
    clock,
    advance,
    pending,
    reports,
    /** Nothing is reported before `ms` have passed, and this one then. */
    async bites(ms: number, says: string) {
      await advance(ms - 1);
      assertEquals(reports, []);
      await advance(1);
      assertEquals(reports.length, 1);
      const error = reports[0]!;
      assertStringIncludes(error.message, says);
      assertEquals([error.code, error.status, error.isRetryable], ["upstream_timeout", 504, true]);
      await advance(1_000_000);
      assertEquals([reports.length, pending()], [1, 0]);
    },
  };
}

/** A stream of which the first token has come, and that is being read. */
async function watchReading(limits: Partial<typeof LIMITS> = {}) {
  const watched = watch(true, limits);
  await watched.advance(1_000);
  watched.watchdog.headersReceived();
  watched.watchdog.readStarted();
  watched.watchdog.readEnded();
  watched.watchdog.firstTokenReceived();
  watched.watchdog.readStarted();
  return watched;
}

for (const stream of [true, false]) {
  Deno.test(`headers that do not come are waited for no longer than their limit, stream: ${stream}`, async () => {
    await watch(stream).bites(10_000, "did not respond within 10 s");
  });

  Deno.test(`the total limit holds before the headers too, stream: ${stream}`, async () => {
    await watch(stream, { total_ms: 3_000 }).bites(3_000, "did not complete its answer within 3 s");
  });
}

Deno.test("the first token's time counts from the request, not from the headers", async () => {
  const { watchdog, advance, bites } = watch();
  await advance(9_000);
  watchdog.headersReceived();
  watchdog.readStarted();
  await bites(11_000, "sent no token within 20 s");
});

Deno.test("reads that bring no token do not put off the first token's limit", async () => {
  const { watchdog, advance, bites } = watch();
  watchdog.headersReceived();
  for (let i = 0; i < 9; i++) {
    watchdog.readStarted();
    await advance(2_000);
    watchdog.readEnded();
  }
  watchdog.readStarted();
  await bites(2_000, "sent no token within 20 s");
});

Deno.test("a stream that falls silent is given up", async () => {
  const { bites } = await watchReading();
  await bites(5_000, "sent nothing for 5 s");
});

Deno.test("silence counts from the last read, wherever the timer stands", async () => {
  const { watchdog, advance, reports, bites } = await watchReading();
  for (let i = 0; i < 10; i++) {
    await advance(4_999);
    watchdog.readEnded();
    watchdog.readStarted();
  }
  assertEquals(reports, []);
  await bites(5_000, "sent nothing");
});

Deno.test("silence does not count while nobody reads", async () => {
  const { watchdog, advance, reports, bites } = await watchReading();
  await advance(1_000);
  watchdog.readEnded();
  await advance(60_000);
  assertEquals(reports, []);
  watchdog.readStarted();
  await bites(5_000, "sent nothing");
});

Deno.test("the total limit holds while nobody reads", async () => {
  const { watchdog, bites } = await watchReading();
  watchdog.readEnded();
  await bites(99_000, "did not complete its answer within 100 s");
});

Deno.test("the total limit ends a stream that never falls silent", async () => {
  const { watchdog, advance, reports } = await watchReading();
  for (let i = 0; i < 98; i++) {
    await advance(1_000);
    watchdog.readEnded();
    watchdog.readStarted();
  }
  assertEquals(reports, []);
  await advance(1_000);
  assertStringIncludes(reports[0]!.message, "did not complete its answer");
});

Deno.test("a plain-JSON call knows the limits for headers and in total only", async () => {
  const { watchdog, advance, bites } = watch(false);
  await advance(5_000);
  watchdog.headersReceived();
  watchdog.readStarted();
  await bites(95_000, "did not complete its answer within 100 s");
});

Deno.test("a whole stream whose trailer is late ends without an error", async () => {
  const { watchdog, advance, reports, pending } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete();
  watchdog.readStarted();
  await advance(1_999);
  assertEquals(reports, []);
  await advance(1);
  assertEquals(reports, [undefined]);
  assertEquals(pending(), 0);
});

Deno.test("reads do not put off the end of the trailer", async () => {
  const { watchdog, advance, reports } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete();
  for (let i = 0; i < 3; i++) {
    watchdog.readStarted();
    await advance(600);
    watchdog.readEnded();
  }
  watchdog.readStarted();
  await advance(200);
  assertEquals(reports, [undefined]);
});

Deno.test("the trailer is not late while nobody reads", async () => {
  const { watchdog, advance, reports } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete();
  await advance(30_000);
  assertEquals(reports, []);
  watchdog.readStarted();
  await advance(1_999);
  assertEquals(reports, []);
  await advance(1);
  assertEquals(reports, [undefined]);
});

Deno.test("after the stream has said that it is over its end is waited for only shortly", async () => {
  const { watchdog, advance, reports } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete();
  watchdog.readStarted();
  await advance(500);
  watchdog.readEnded();
  watchdog.streamDone();
  watchdog.readStarted();
  await advance(99);
  assertEquals(reports, []);
  await advance(1);
  assertEquals(reports, [undefined]);
});

Deno.test("a watchdog that was stopped leaves no timer and says nothing", async () => {
  for (
    const phase of [
      "headersReceived",
      "firstTokenReceived",
      "answerComplete",
      "streamDone",
    ] as const
  ) {
    const { watchdog, advance, reports, pending } = watch();
    watchdog.headersReceived();
    watchdog.readStarted();
    watchdog[phase]();
    assert(pending() <= 1, "one timer at most");
    watchdog.stop();
    assertEquals(pending(), 0);
    await advance(1_000_000);
    assertEquals(reports, []);
  }
});

Deno.test("limits far beyond what a timer can hold are no limits that strike at once", async () => {
  const day = 86_400_000;
  const { watchdog, advance, reports } = watch(true, {
    headers_ms: day,
    first_token_ms: day,
    idle_ms: day,
    total_ms: day,
  });
  watchdog.headersReceived();
  watchdog.readStarted();
  watchdog.firstTokenReceived();
  await advance(day - 1);
  assertEquals(reports, []);
  watchdog.stop();
});
