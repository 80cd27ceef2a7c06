import { assertEquals, assertThrows } from "@std/assert";
import { type HttpServer, keepListening } from "../../lib/cli/keep_listening.ts";
import { createLog } from "../../lib/server/telemetry/log.ts";
import { createFakeClock } from "../support/clock.ts";

const NO_DESCRIPTORS = new Error("Error: Too many open files (os error 24)");
const IN_USE = new Deno.errors.AddrInUse("Address already in use (os error 98)");

interface FakeServer extends HttpServer {
  fail(error: Error): void;
}

function createServer(): FakeServer {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return {
    addr: { transport: "tcp", hostname: "127.0.0.1", port: 1234 },
    finished: promise,
    fail: reject,
    shutdown() {
      resolve();
      return Promise.resolve();
    },
  };
}

/** Listens with a fake server, or throws the next of the errors. */
function setUp(errors: (Error | undefined)[] = []) {
  const { clock, advance } = createFakeClock();
  const lines: string[] = [];
  const opened: { server: FakeServer; port: number | undefined; at: number }[] = [];
  const lost: Error[] = [];
  const listener = keepListening({
    open(port) {
      const error = errors.shift();
      if (error !== undefined) throw error;
      const server = createServer();
      opened.push({ server, port, at: clock.now() });
      return server;
    },
    clock,
    log: createLog({
      level: "info",
      format: "json",
      now: clock.date,
      write: (line) => lines.push(JSON.parse(line).message),
    }),
    onLost: (error) => lost.push(error),
  });
  const times = () => opened.map(({ at }) => at);
  return { advance, lines, opened, lost, listener, times };
}

Deno.test("a failed listener is reopened on its port after increasing delays", async () => {
  const { advance, lines, opened, listener, times } = setUp();
  opened[0]!.server.fail(NO_DESCRIPTORS);
  await advance(100);
  assertEquals(opened.map(({ port }) => port), [undefined, 1234]);
  assertEquals(lines, [
    "Cannot accept connections; new ones are refused for now",
    "Connections are accepted again",
  ]);
  opened[1]!.server.fail(NO_DESCRIPTORS);
  await advance(199);
  assertEquals(times(), [0, 100]);
  await advance(1);
  assertEquals(times(), [0, 100, 300]);
  // One that has lasted is healthy.
  await advance(10_000);
  opened[2]!.server.fail(NO_DESCRIPTORS);
  await advance(100);
  assertEquals(times(), [0, 100, 300, 10_400]);
  await listener.shutdown();
});

Deno.test("a listener that ends without an error is reopened", async () => {
  const { advance, opened, listener } = setUp();
  await opened[0]!.server.shutdown();
  await advance(100);
  assertEquals(opened.length, 2);
  await listener.shutdown();
});

Deno.test("a port that cannot be opened is retried, and given up after a minute", async () => {
  const errors: (Error | undefined)[] = [undefined, ...Array<Error>(40).fill(IN_USE)];
  const { advance, opened, lost, listener } = setUp(errors);
  opened[0]!.server.fail(NO_DESCRIPTORS);
  await advance(50_000);
  assertEquals([opened.length, lost], [1, []]);
  await advance(20_000);
  assertEquals([opened.length, lost[0]], [1, IN_USE]);
  await listener.shutdown();
});

Deno.test("a port is not given up while the server is out of descriptors", async () => {
  const errors = [undefined, ...Array<Error>(40).fill(NO_DESCRIPTORS)];
  const { advance, opened, lost, listener } = setUp(errors);
  opened[0]!.server.fail(NO_DESCRIPTORS);
  await advance(600_000);
  assertEquals([opened.length, lost], [2, []]);
  await listener.shutdown();
});

Deno.test("a listener that was shut down stays closed, whether it had failed or not", async () => {
  for (const hasFailed of [false, true]) {
    const { advance, opened, listener } = setUp();
    if (hasFailed) opened[0]!.server.fail(NO_DESCRIPTORS);
    await advance(50);
    await listener.shutdown();
    await advance(10_000);
    assertEquals(opened.length, 1);
  }
});

Deno.test("a port that is in use at the start is reported to the caller", () => {
  assertThrows(() => setUp([IN_USE]), Deno.errors.AddrInUse);
});
