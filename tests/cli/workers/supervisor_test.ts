import { assert, assertEquals, assertRejects } from "@std/assert";
import { createSupervisor, type WorkerThread } from "../../../lib/cli/workers/supervisor.ts";
import { createFakeClock } from "../../support/clock.ts";
import { waitFor } from "../../support/wait.ts";
import type { ScriptMethods } from "./crashing_script.ts";

/** Supervises two threads. Each start can be awaited, and can be made to fail. */
function setUp(fails: (start: number) => boolean = () => false) {
  const fake = createFakeClock();
  const crashed: number[] = [];
  const lines: string[] = [];
  let starts = 0;
  let started = Promise.withResolvers<void>();
  const log = (message: string) => void lines.push(message);
  const supervisor = createSupervisor<ScriptMethods>({
    script: new URL("crashing_script.ts", import.meta.url),
    count: 2,
    clock: fake.clock,
    log: { debug: log, info: log, warn: log, error: log },
    methods: (index) => ({ echo: (text: string) => `${index}: ${text}` }),
    async prepare(worker) {
      const fail = fails(starts++);
      try {
        await worker.call("begin", fail);
        // The thread may answer before it crashes.
        if (fail) await worker.call("crash");
      } finally {
        started.resolve();
        started = Promise.withResolvers();
      }
    },
    onCrash: (index) => crashed.push(index),
  });
  const serving = () => supervisor.serving().map(({ index }) => index).sort();
  const crash = async (index: number) => {
    const worker = supervisor.serving().find((thread) => thread.index === index)!;
    await assertRejects(() => worker.call("crash"), Error, "crashed by a test");
  };
  return {
    fake,
    supervisor,
    crashed,
    lines,
    serving,
    crash,
    starts: () => starts,
    started: () => waitFor("a thread to start", started.promise),
    [Symbol.dispose]: supervisor.stop,
  };
}

Deno.test("calls and their errors are passed in both directions", async () => {
  using threads = setUp();
  await threads.supervisor.start();
  assertEquals(threads.serving(), [0, 1]);
  for (const { index, call } of threads.supervisor.serving()) {
    assertEquals(await call("ask", "hello"), `${index}: hello`);
    await assertRejects(() => call("refuse"), RangeError, "refused");
  }
});

Deno.test("a crashed thread is replaced after a delay that doubles with each crash", async () => {
  using threads = setUp();
  const { fake, supervisor } = threads;
  await supervisor.start();
  for (const delay of [100, 200, 400]) {
    await threads.crash(1);
    assertEquals(threads.serving(), [0]);
    const begun = threads.starts();
    await fake.advance(delay - 1);
    assertEquals(threads.starts(), begun);
    const started = threads.started();
    await fake.advance(1);
    await started;
    await fake.advance(0);
    assertEquals(threads.serving(), [0, 1]);
  }
  assertEquals(threads.crashed, [1, 1, 1]);
  // After a minute without a crash, the delay is the shortest again.
  await fake.advance(60_000);
  await threads.crash(1);
  const started = threads.started();
  await fake.advance(100);
  await started;
  await fake.advance(0);
  assertEquals(threads.serving(), [0, 1]);
  assertEquals(threads.lines.filter((line) => line.includes("will be replaced")).length, 4);
});

Deno.test("a thread that reports an error is replaced", async () => {
  using threads = setUp();
  const { fake, supervisor } = threads;
  await supervisor.start();
  const [first] = supervisor.serving();
  await assertRejects(() => first!.call("report"), Error, "reported by a test");
  const started = threads.started();
  await fake.advance(100);
  await started;
  await fake.advance(0);
  assertEquals([threads.crashed, threads.serving()], [[0], [0, 1]]);
});

Deno.test("a replacement that crashes at its start is replaced too", async () => {
  using threads = setUp((start) => start === 2);
  const { fake, supervisor } = threads;
  await supervisor.start();
  await threads.crash(0);
  const failed = threads.started();
  await fake.advance(100);
  await failed;
  await fake.advance(0);
  assertEquals(threads.serving(), [1]);
  const started = threads.started();
  await fake.advance(200);
  await started;
  await fake.advance(0);
  assertEquals(threads.serving(), [0, 1]);
  assertEquals(threads.crashed, [0]);
});

Deno.test("a crash during the first start is reported and not retried", async () => {
  using threads = setUp((start) => start === 1);
  await assertRejects(() => threads.supervisor.start(), Error, "crashed by a test");
  await threads.fake.advance(60_000);
  assertEquals(threads.starts(), 2);
});

Deno.test("retired threads are not replaced", async () => {
  using threads = setUp();
  const { fake, supervisor } = threads;
  await supervisor.start();
  const calls = supervisor.serving().map((worker: WorkerThread<ScriptMethods>) => worker.call);
  await threads.crash(0);
  assertEquals(fake.pending(), 1);
  supervisor.retire();
  assertEquals(fake.pending(), 0);
  await threads.crash(1);
  await fake.advance(60_000);
  assertEquals(threads.serving(), []);
  assertEquals(threads.starts(), 2);
  for (const call of calls) await assertRejects(() => call("ask", "late"), Error, "crashed");
  assert(fake.pending() === 0);
});
