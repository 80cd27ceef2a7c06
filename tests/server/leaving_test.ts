import { assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../app.ts";
import { startUpstream } from "../upstream.ts";

/**
 * The runtime tells of a client that leaves before its answer only where the whole request came
 * in one small read. These requests are of the usual kind: head and body in two writes.
 */
for (const stream of [true, false]) {
  Deno.test(`a client that leaves before any answer ends the upstream's work, stream: ${stream}`, async () => {
    const called = Promise.withResolvers<void>();
    await using upstream = startUpstream((call) => {
      called.resolve();
      return call.body.stream ? { content: ["x"], gate: () => new Promise(() => {}) } : {
        // A reply that never ends, but whose end the upstream can see.
        frames: ["{"],
        headers: { "content-type": "application/json" },
        end: "stall",
      };
    });
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
server: { commit_after_ms: 20, json_heartbeat: true, heartbeat_ms: 20 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
`,
    });
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => app.handle(request),
    );
    const body = JSON.stringify({
      stream,
      messages: [{ role: "user", content: "long ".repeat(2000) }],
    });
    const client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const utf8 = new TextEncoder();
    await client.write(utf8.encode(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n` +
        `content-length: ${body.length}\r\n\r\n`,
    ));
    await client.write(utf8.encode(body));
    await called.promise;
    client.close();
    await upstream.calls[0]!.left;
    assertEquals(upstream.open, 0);
  });
}
