import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { UpstreamError } from "../../lib/upstream/errors/upstream_error.ts";
import { startWatchdog } from "../../lib/upstream/timeouts.ts";
import { createFakeClock } from "../support/clock.ts";

const LIMITS = { headers_ms: 10_000, first_token_ms: 20_000, idle_ms: 5_000, total_ms: 100_000 };

/** Starts a watchdog with a fake clock and records its reports. */
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
    /** Asserts that a timeout is reported after exactly `ms`. */
    async timesOut(ms: number, message: string, isRetryable = false) {
      await advance(ms - 1);
      assertEquals(reports, []);
      await advance(1);
      assertEquals(reports.length, 1);
      const error = reports[0]!;
      assertStringIncludes(error.message, message);
      const { code, status } = error;
      assertEquals([code, status, error.isRetryable], ["upstream_timeout", 504, isRetryable]);
      await advance(1_000_000);
      assertEquals([reports.length, pending()], [1, 0]);
    },
  };
}

/** Starts a watchdog of a stream that is being read after its first token. */
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
  Deno.test(`missing headers time out, stream: ${stream}`, async () => {
    await watch(stream).timesOut(10_000, "did not respond within 10 s");
  });

  Deno.test(`the total limit applies before the headers too, stream: ${stream}`, async () => {
    await watch(stream, { total_ms: 3_000 }).timesOut(
      3_000,
      "did not complete its answer within 3 s",
    );
  });
}

Deno.test("of two limits that are reached at the same time, the total one is reported", async () => {
  await watch(true, { total_ms: 10_000 }).timesOut(
    10_000,
    "did not complete its answer within 10 s",
  );
});

Deno.test("the first token's limit starts at the request, not at the headers", async () => {
  const { watchdog, advance, timesOut } = watch();
  await advance(9_000);
  watchdog.headersReceived();
  watchdog.readStarted();
  await timesOut(11_000, "sent no token within 20 s");
});

Deno.test("reads without a token do not extend the first token's limit", async () => {
  const { watchdog, advance, timesOut } = watch();
  watchdog.headersReceived();
  for (let i = 0; i < 9; i++) {
    watchdog.readStarted();
    await advance(2_000);
    watchdog.readEnded();
  }
  watchdog.readStarted();
  await timesOut(2_000, "sent no token within 20 s");
});

Deno.test("a silent stream times out", async () => {
  const { timesOut } = await watchReading();
  await timesOut(5_000, "sent nothing for 5 s", true);
});

Deno.test("the idle limit starts at the last read, whenever the timer is due", async () => {
  const { watchdog, advance, reports, timesOut } = await watchReading();
  for (let i = 0; i < 10; i++) {
    await advance(4_999);
    watchdog.readEnded();
    watchdog.readStarted();
  }
  assertEquals(reports, []);
  await timesOut(5_000, "sent nothing", true);
});

Deno.test("silence between reads does not count", async () => {
  const { watchdog, advance, reports, timesOut } = await watchReading();
  await advance(1_000);
  watchdog.readEnded();
  await advance(60_000);
  assertEquals(reports, []);
  watchdog.readStarted();
  await timesOut(5_000, "sent nothing", true);
});

Deno.test("the total limit applies between reads", async () => {
  const { watchdog, timesOut } = await watchReading();
  watchdog.readEnded();
  await timesOut(99_000, "did not complete its answer within 100 s", true);
});

Deno.test("the total limit ends a stream that is never silent", async () => {
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

Deno.test("without a stream only the limits for headers and in total apply", async () => {
  const { watchdog, advance, timesOut } = watch(false);
  await advance(5_000);
  watchdog.headersReceived();
  watchdog.readStarted();
  await timesOut(95_000, "did not complete its answer within 100 s");
});

Deno.test("a complete stream with a late trailer ends without an error", async () => {
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

Deno.test("an answer that may continue ends after the pause that is allowed within answers", async () => {
  const { watchdog, advance, reports } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete(true);
  watchdog.readStarted();
  await advance(4_999);
  assertEquals(reports, []);
  await advance(1);
  assertEquals(reports, [undefined]);
});

Deno.test("reads do not extend the trailer's limit", async () => {
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

Deno.test("output after the trailer's limit began has the limits of an answer again", async () => {
  const { watchdog, advance, reports, timesOut } = await watchReading();
  watchdog.readEnded();
  watchdog.answerComplete();
  watchdog.readStarted();
  await advance(1_500);
  watchdog.readEnded();
  watchdog.answerContinues();
  watchdog.readStarted();
  await advance(3_000);
  assertEquals(reports, []);
  await timesOut(2_000, "sent nothing", true);
});

Deno.test("the trailer's limit does not run between reads", async () => {
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

Deno.test("the end of the body after [DONE] has a short timeout", async () => {
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

Deno.test("a stopped watchdog leaves no timer and reports nothing", async () => {
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

Deno.test("limits of a day do not time out at once", async () => {
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
