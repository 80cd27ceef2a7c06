import { assertEquals, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { sseBody } from "../../lib/api/sse_writer.ts";
import type { ReasoningEvent } from "../../lib/reasoning/events.ts";
import { createFakeClock } from "../support/clock.ts";
import { connect } from "../support/connection.ts";
import { waitUntil } from "../support/wait.ts";

/** Creates a stream of events that the test sends, and records each write that a client reads. */
async function setup({ reads = true, start = "" } = {}) {
  const { clock, advance, pending } = createFakeClock();
  const waiting: PromiseWithResolvers<IteratorResult<ReasoningEvent>>[] = [];
  const sent: (string | Error | undefined)[] = [];
  let requested = 0;
  const settle = () => {
    while (waiting.length > 0 && sent.length > 0) {
      const next = waiting.shift()!;
      const text = sent.shift();
      if (text instanceof Error) next.reject(text);
      else if (text === undefined) next.resolve({ done: true, value: undefined });
      else next.resolve({ done: false, value: { type: "answer", text } });
    }
  };
  const events: AsyncIterator<ReasoningEvent> = {
    next() {
      requested++;
      const next = Promise.withResolvers<IteratorResult<ReasoningEvent>>();
      waiting.push(next);
      settle();
      return next.promise;
    },
  };
  const ends: string[] = [];
  const errors: unknown[] = [];
  const work = new AbortController();
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
    signal: work.signal,
    onEvent() {},
    onError: (error) => errors.push(error),
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
    errors,
    work,
    advance,
    pending,
    reader,
    requested: () => requested,
    async send(...texts: (string | Error | undefined)[]) {
      sent.push(...texts);
      settle();
      await advance(0);
    },
  };
}

Deno.test("the first frames are sent at once, and frames that follow within 5 ms together", async () => {
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

Deno.test("frames that come 5 ms after the last write are sent at once", async () => {
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

Deno.test("events without frames do not delay later frames", async () => {
  const { writes, send } = await setup();
  await send("", "", "a");
  assertEquals(writes, ["a"]);
  await send(undefined);
});

Deno.test("waiting frames are sent before the error frame", async () => {
  const { writes, ends, send, pending } = await setup();
  await send("a", "b", new Error("no"));
  assertEquals(writes, ["a", "b!"]);
  assertEquals(ends, ["end"]);
  assertEquals(pending(), 0);
});

Deno.test("the size of the waiting text is limited", async () => {
  const { writes, send } = await setup();
  const text = "x".repeat(1_000);
  await send(...Array(101).fill(text));
  assertEquals(writes.map((write) => write.length), [1_000, ...Array(5).fill(18_000)]);
  await send(undefined);
  assertEquals(writes.join("").length, 101_000);
});

Deno.test("events are not read while the client does not read, even if frames are waiting", async () => {
  const { requested, send, advance, pending, reader, ends } = await setup({ reads: false });
  await send(...Array(50).fill("a"));
  for (let i = 0; i < 20; i++) await advance(1);
  const before = requested();
  for (let i = 0; i < 200; i++) await advance(10);
  assertEquals(requested(), before);
  assertEquals(before < 5, true, `${before} events were read`);
  await reader.cancel();
  assertEquals(ends, ["cancel"]);
  assertEquals(pending(), 0);
});

Deno.test("a client that does not read is sent no keep-alive", async () => {
  const { advance, reader } = await setup({ reads: false, start: "s" });
  await advance(10_500);
  const decoder = new TextDecoder();
  const read = async () => decoder.decode((await reader.read()).value);
  assertEquals(await read(), "s");
  let isLate = true;
  const next = read().finally(() => isLate = false);
  await advance(0);
  assertEquals(isLate, true);
  await advance(1_000);
  assertEquals(await next, ": keepalive\n");
  await reader.cancel();
});

Deno.test("the stream of a client that does not read ends 10 s after its work", async () => {
  const { errors, send, advance, pending, reader, work } = await setup({
    reads: false,
    start: "a",
  });
  await send("b");
  work.abort("over");
  await advance(9_999);
  assertEquals(errors, []);
  await advance(1);
  assertEquals(errors, ["over"]);
  assertEquals(pending(), 0);
  await assertRejects(() => reader.read());
});

Deno.test("waiting frames are dropped when the client disconnects", async () => {
  const { writes, ends, send, advance, pending, reader } = await setup();
  await send("a", "b");
  await reader.cancel();
  assertEquals(pending(), 0);
  await advance(10);
  assertEquals(writes, ["a"]);
  assertEquals(ends, ["cancel"]);
});

Deno.test("clients that disconnect during a heartbeat leave no heartbeat running", async () => {
  const running = new Set<object>();
  const clock: Clock = {
    ...systemClock,
    timer(ms, callback) {
      const timer = {};
      running.add(timer);
      const cancel = systemClock.timer(ms, () => {
        running.delete(timer);
        callback();
      });
      return () => {
        running.delete(timer);
        cancel();
      };
    },
  };
  let cancelled = 0;
  const never = () => new Promise<never>(() => {});
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    const body = sseBody({
      events: { next: never },
      pending: never(),
      encoder: { start: () => "a", encode: () => "", fail: () => "" },
      heartbeatMs: 1,
      clock,
      signal: new AbortController().signal,
      onEvent() {},
      onError() {},
      onEnd() {},
      onCancel: () => cancelled++,
    });
    return new Response(body);
  });
  const clients = 100;
  await Promise.all(Array.from({ length: clients }, async (_, i) => {
    using client = await connect(server.addr.port);
    await client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    for (let reads = 0; reads < 2 + i / 5; reads++) await client.read();
  }));
  await waitUntil("the server to notice every disconnect", () => cancelled === clients);
  assertEquals(running.size, 0);
});

for (const [name, last] of [["the answer", undefined], ["a failure", new Error()]] as const) {
  Deno.test(`a stream ends if the write after ${name} finds that the client has disconnected`, async () => {
    const { ends, send, pending, reader } = await setup();
    await send("a");
    const prototype = ReadableStreamDefaultController.prototype;
    const { enqueue } = prototype;
    // The runtime cancels the stream within a write to a closed connection.
    prototype.enqueue = function (chunk) {
      enqueue.call(this, chunk);
      void reader.cancel();
    };
    try {
      await send("b", last);
    } finally {
      prototype.enqueue = enqueue;
    }
    assertEquals(ends, ["cancel"]);
    assertEquals(pending(), 0);
  });
}
