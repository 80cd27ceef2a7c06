import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { listen } from "../../lib/cli/listener.ts";
import { createLog } from "../../lib/server/telemetry/log.ts";

Deno.test("a response that fails is logged in one line, without its message", async () => {
  const lines: string[] = [];
  const printed: unknown[] = [];
  const log = createLog({
    level: "info",
    format: "json",
    now: () => 0,
    write: (line) => lines.push(line),
  });
  const { error } = console;
  console.error = (...values) => printed.push(...values);
  const listener = listen(
    { hostname: "127.0.0.1", port: 0, loopbackOnly: true },
    (request) => {
      const failure = new Error("what the model said");
      if (request.url.endsWith("/none")) return Promise.reject(failure);
      return Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array(1)),
            pull: () => Promise.reject(failure),
          }),
        ),
      );
    },
    log,
  );
  try {
    const stream = await fetch(`http://127.0.0.1:${listener.port}/stream`);
    await assertRejects(() => stream.text());
    const none = await fetch(`http://127.0.0.1:${listener.port}/none`);
    assertEquals([none.status, await none.text()], [500, "Internal Server Error"]);
  } finally {
    console.error = error;
    await listener.shutdown();
  }
  assertEquals(printed, []);
  assertEquals(lines.length, 2);
  for (const line of lines) {
    const { level, message, cause } = JSON.parse(line);
    assertEquals([level, message], ["warn", "A response is incomplete"]);
    assertMatch(cause, /^Error\n\s+at /);
  }
});
