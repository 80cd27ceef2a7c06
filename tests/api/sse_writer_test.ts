import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { sseBody } from "../../lib/api/sse_writer.ts";
import type { ReasoningEvent } from "../../lib/reasoning/events.ts";
import { createFakeClock } from "../support/clock.ts";

/** A stream whose events the test sends, and what a client has read of it, write by write. */
async function setup({ reads = true, start = "" } = {}) {
  const { clock, advance, pending } = createFakeClock();
  const waiting: PromiseWithResolvers<IteratorResult<ReasoningEvent>>[] = [];
  const sent: (string | Error | undefined)[] = [];
  let asked = 0;
  const settle = () => {
    while (waiting.length > 0 && sent.length > 0) {
      const one = waiting.shift()!;
      const text = sent.shift();
      if (text instanceof Error) one.reject(text);
      else if (text === undefined) one.resolve({ done: true, value: undefined });
      else one.resolve({ done: false, value: { type: "answer", text } });
    }
  };
  const events: AsyncIterator<ReasoningEvent> = {
    next() {
      asked++;
      const one = Promise.withResolvers<IteratorResult<ReasoningEvent>>();
      waiting.push(one);
      settle();
      return one.promise;
    },
  };
  const ends: string[] = [];
  const body = sseBody({
    events,
    pending: events.next(),
    encoder: {
      start: () => start,
      encode: (event) => event.type === "answer" ? event.text : "",
      fail: () => "!",
    },
    heartbeatMs: 1_000,
    clock,
    onEvent() {},
    onError() {},
    onEnd: () => ends.push("end"),
    onCancel: () => ends.push("cancel"),
  });
  const writes: string[] = [];
  const decoder = new TextDecoder();
  const reader = body.getReader();
  async function read() {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      writes.push(decoder.decode(value));
    }
  }
  if (reads) void read();
  await setImmediate();
  return {
    writes,
    ends,
    advance,
    pending,
    reader,
    asked: () => asked,
    async send(...texts: (string | Error | undefined)[]) {
      sent.push(...texts);
      settle();
      await advance(0);
    },
  };
}

Deno.test("the first frames go out at once, those that follow soon go out together", async () => {
  const { writes, ends, send, advance, pending } = await setup({ start: "s" });
  await send("a");
  assertEquals(writes, ["s", "a"]);
  await advance(2);
  await send("b");
  await send("c");
  await advance(2);
  await send("d");
  assertEquals(writes, ["s", "a"]);
  await advance(1);
  assertEquals(writes, ["s", "a", "bcd"]);
  await advance(4);
  await send("e");
  assertEquals(writes.length, 3);
  await send("f", undefined);
  assertEquals(writes, ["s", "a", "bcd", "ef"]);
  assertEquals(ends, ["end"]);
  assertEquals(pending(), 0);
});

Deno.test("frames that do not follow others soon do not wait", async () => {
  const { writes, send, advance, pending } = await setup();
  for (const text of ["a", "b", "c"]) {
    await send(text);
    assertEquals(writes.at(-1), text);
    assertEquals(pending(), 1);
    await advance(5);
  }
  await send(undefined);
  assertEquals(writes, ["a", "b", "c"]);
  assertEquals(pending(), 0);
});

Deno.test("events without frames do not make those behind them wait", async () => {
  const { writes, send } = await setup();
  await send("", "", "a");
  assertEquals(writes, ["a"]);
  await send(undefined);
});

Deno.test("what waits goes out before the frame that tells a failure", async () => {
  const { writes, ends, send, pending } = await setup();
  await send("a", "b", new Error("no"));
  assertEquals(writes, ["a", "b!"]);
  assertEquals(ends, ["end"]);
  assertEquals(pending(), 0);
});

Deno.test("no more than so much waits", async () => {
  const { writes, send } = await setup();
  const text = "x".repeat(1_000);
  await send(...Array(101).fill(text));
  assertEquals(writes.map((write) => write.length), [1_000, ...Array(5).fill(18_000)]);
  await send(undefined);
  assertEquals(writes.join("").length, 101_000);
});

Deno.test("a client that does not read stops the reading of events, whatever waits", async () => {
  const { asked, send, advance, pending, reader, ends } = await setup({ reads: false });
  await send(...Array(50).fill("a"));
  for (let i = 0; i < 20; i++) await advance(1);
  const once = asked();
  for (let i = 0; i < 200; i++) await advance(10);
  assertEquals(asked(), once);
  assertEquals(once < 5, true, `${once} events were read`);
  await reader.cancel();
  assertEquals(ends, ["cancel"]);
  assertEquals(pending(), 0);
});

Deno.test("a client that leaves takes with it what waits", async () => {
  const { writes, ends, send, advance, pending, reader } = await setup();
  await send("a", "b");
  await reader.cancel();
  assertEquals(pending(), 0);
  await advance(10);
  assertEquals(writes, ["a"]);
  assertEquals(ends, ["cancel"]);
});
