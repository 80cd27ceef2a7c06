import { assertEquals } from "@std/assert";
import { createSignalHandler } from "../../lib/server/shutdown.ts";
import { createFakeClock } from "../support/clock.ts";

/** A server that drains and closes when the test resolves the promises. */
function setUp() {
  const { clock, advance, pending } = createFakeClock();
  const drained = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const events: string[] = [];
  const signal = createSignalHandler({
    drain: () => drained.promise,
    close() {
      events.push("close");
      return closed.promise;
    },
    exit: (code) => events.push(`exit ${code}`),
    clock,
    onBegin: (name) => events.push(name),
  });
  return { signal, events, drained, closed, advance, pending };
}

Deno.test("a second Ctrl-C ends the process at once, although requests are running", async () => {
  const { signal, events, advance } = setUp();
  signal("SIGINT");
  await advance(1_001);
  signal("SIGINT");
  assertEquals(events, ["SIGINT", "exit 130"]);
});

Deno.test("a Ctrl-C that arrives twice within a second counts once", async () => {
  const { signal, events, advance } = setUp();
  signal("SIGINT");
  await advance(1_000);
  signal("SIGINT");
  assertEquals(events, ["SIGINT"]);
  // The second is counted from the first.
  await advance(1);
  signal("SIGINT");
  assertEquals(events, ["SIGINT", "exit 130"]);
});

Deno.test("Ctrl-C after SIGTERM does not interrupt the shutdown until it is repeated", async () => {
  const { signal, events, advance } = setUp();
  signal("SIGTERM");
  await advance(5_000);
  signal("SIGTERM");
  signal("SIGINT");
  assertEquals(events, ["SIGTERM"]);
  await advance(1_001);
  signal("SIGINT");
  assertEquals(events, ["SIGTERM", "exit 130"]);
});

Deno.test("a listener that does not close keeps the process for two more seconds only", async () => {
  const { signal, events, drained, advance } = setUp();
  signal("SIGTERM");
  drained.resolve();
  await advance(1_999);
  assertEquals(events, ["SIGTERM", "close"]);
  await advance(1);
  assertEquals(events, ["SIGTERM", "close", "exit 1"]);
});

Deno.test("if a listener closes in time, nothing is ended by force", async () => {
  const { signal, events, drained, closed, advance, pending } = setUp();
  signal("SIGTERM");
  drained.resolve();
  await advance(1_999);
  closed.resolve();
  await advance(10_000);
  assertEquals(events, ["SIGTERM", "close"]);
  assertEquals(pending(), 0);
});

Deno.test("a failure to drain ends the process with an error", async () => {
  const { signal, events, drained, advance } = setUp();
  signal("SIGTERM");
  drained.reject(new Error("no"));
  await advance(0);
  assertEquals(events, ["SIGTERM", "exit 1"]);
});
