import { assert, assertEquals, assertRejects } from "@std/assert";
import { createSupervisor, type WorkerThread } from "../../../lib/cli/workers/supervisor.ts";
import { createFakeClock } from "../../support/clock.ts";
import type { ScriptDoors } from "./group_script.ts";

/** Two threads; each start of one can be awaited, and told to fail. */
function setUp(fails: (start: number) => boolean = () => false) {
  const fake = createFakeClock();
  const lost: number[] = [];
  const lines: string[] = [];
  let starts = 0;
  let started = Promise.withResolvers<void>();
  const say = (message: string) => void lines.push(message);
  const supervisor = createSupervisor<ScriptDoors>({
    script: new URL("group_script.ts", import.meta.url),
    count: 2,
    clock: fake.clock,
    log: { debug: say, info: say, warn: say, error: say },
    doors: (index) => ({ echo: (text: string) => `${index}: ${text}` }),
    async begin(worker) {
      const fail = fails(starts++);
      try {
        await worker.call("begin", fail);
        // A thread that is about to end may have answered before.
        if (fail) await worker.call("crash");
      } finally {
        started.resolve();
        started = Promise.withResolvers();
      }
    },
    onLost: (index) => lost.push(index),
  });
  const numbers = () => supervisor.serving().map(({ index }) => index).sort();
  const crash = async (index: number) => {
    const worker = supervisor.serving().find((each) => each.index === index)!;
    await assertRejects(() => worker.call("crash"), Error, "crashed by a test");
  };
  return {
    fake,
    supervisor,
    lost,
    lines,
    numbers,
    crash,
    starts: () => starts,
    started: () => started.promise,
    [Symbol.dispose]: supervisor.stop,
  };
}

Deno.test("threads answer, ask and refuse", async () => {
  using crew = setUp();
  await crew.supervisor.start();
  assertEquals(crew.numbers(), [0, 1]);
  for (const { index, call } of crew.supervisor.serving()) {
    assertEquals(await call("ask", "hello"), `${index}: hello`);
    await assertRejects(() => call("refuse"), RangeError, "refused");
  }
});

Deno.test("a lost thread is replaced after a wait that doubles with each loss", async () => {
  using crew = setUp();
  const { fake, supervisor } = crew;
  await supervisor.start();
  for (const wait of [100, 200, 400]) {
    await crew.crash(1);
    assertEquals(crew.numbers(), [0]);
    const begun = crew.starts();
    await fake.advance(wait - 1);
    assertEquals(crew.starts(), begun);
    const started = crew.started();
    await fake.advance(1);
    await started;
    await fake.advance(0);
    assertEquals(crew.numbers(), [0, 1]);
  }
  assertEquals(crew.lost, [1, 1, 1]);
  // One that has lived for a minute is waited for as at first.
  await fake.advance(60_000);
  await crew.crash(1);
  const started = crew.started();
  await fake.advance(100);
  await started;
  await fake.advance(0);
  assertEquals(crew.numbers(), [0, 1]);
  assertEquals(crew.lines.filter((line) => line.includes("another takes its place")).length, 4);
});

Deno.test("a replacement that can't begin is tried again, and calls to it end", async () => {
  using crew = setUp((start) => start === 2);
  const { fake, supervisor } = crew;
  await supervisor.start();
  await crew.crash(0);
  const failed = crew.started();
  await fake.advance(100);
  await failed;
  await fake.advance(0);
  assertEquals(crew.numbers(), [1]);
  const started = crew.started();
  await fake.advance(200);
  await started;
  await fake.advance(0);
  assertEquals(crew.numbers(), [0, 1]);
  assertEquals(crew.lost, [0]);
});

Deno.test("a first thread that can't begin is told of, and not tried again", async () => {
  using crew = setUp((start) => start === 1);
  await assertRejects(() => crew.supervisor.start(), Error, "crashed by a test");
  await crew.fake.advance(60_000);
  assertEquals(crew.starts(), 2);
});

Deno.test("nobody is replaced once all are to leave", async () => {
  using crew = setUp();
  const { fake, supervisor } = crew;
  await supervisor.start();
  const calls = supervisor.serving().map((worker: WorkerThread<ScriptDoors>) => worker.call);
  await crew.crash(0);
  assertEquals(fake.pending(), 1);
  supervisor.leave();
  assertEquals(fake.pending(), 0);
  await crew.crash(1);
  await fake.advance(60_000);
  assertEquals(crew.numbers(), []);
  assertEquals(crew.starts(), 2);
  for (const call of calls) await assertRejects(() => call("ask", "late"), Error, "crashed");
  assert(fake.pending() === 0);
});
