import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp, type TestApp, TOKEN } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { connect, type Connection } from "../../support/connection.ts";
import { startUpstream } from "../../support/upstream.ts";
import { waitFor } from "../../support/wait.ts";

/** Every route that reads a body. */
const ROUTES = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/responses/input_tokens",
  "/v1/conversations",
  "/v1/messages",
  "/v1/messages/count_tokens",
];

/** Headers of an incomplete body, and the part that is sent. */
const BODIES = [
  { name: "of a declared length", header: "content-length: 4000", half: '{"messages":' },
  {
    name: "of a declared length, with most of it sent",
    header: "content-length: 4000",
    half: `{"user":"${"a".repeat(3000)}`,
  },
  { name: "in chunks", header: "transfer-encoding: chunked", half: 'c\r\n{"messages":\r\n' },
  { name: "of which nothing arrives", header: "content-length: 4000", half: "" },
];

/** Serves the app; responses are validated and sent as a whole. */
function serve(app: TestApp): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const response = await app.handle(request);
    return new Response(await response.text(), response);
  });
}

/** Reads a JSON response. */
async function readAnswer(client: Connection): Promise<{ head: string; body: string }> {
  for (let text = "";;) {
    const part = await client.read();
    assert(part !== undefined, text);
    text += part;
    const [head, body] = text.split("\r\n\r\n") as [string, string?];
    const length = /^content-length: (\d+)$/im.exec(head)?.[1];
    if (body !== undefined && body.length === Number(length)) return { head, body };
  }
}

for (const path of ROUTES) {
  for (const { name, header, half } of BODIES) {
    Deno.test(`an incomplete body ${name} times out (${path})`, async () => {
      await using upstream = startUpstream([{ content: "x" }]);
      const time = createFakeClock();
      const lines: string[] = [];
      const app = await createTestApp({
        upstream: upstream.url,
        clock: time.clock,
        lines,
        yaml: `
server: { body_timeout_ms: 5000, max_concurrent_requests: 1, max_queue: 0 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
metrics: { enabled: false }
`,
      });
      const reading = Promise.withResolvers<void>();
      const clock = time.clock as { timer: typeof time.clock.timer };
      const { timer } = clock;
      clock.timer = (ms, fn) => {
        if (ms === 5000) reading.resolve();
        return timer(ms, fn);
      };
      await using server = serve(app);
      using client = await connect(server.addr.port);
      await client.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n${header}\r\n\r\n${half}`,
      );
      await waitFor("the timer of the body", reading.promise);
      await time.advance(4_999);
      assertEquals(lines, []);
      await time.advance(1);
      const { head, body } = await readAnswer(client);
      assertStringIncludes(head, "HTTP/1.1 408 Request Timeout");
      assertStringIncludes(head, "connection: close");
      const { error, type } = JSON.parse(body);
      assertStringIncludes(error.message, "did not arrive within 5 s (server.body_timeout_ms)");
      if (path.startsWith("/v1/messages")) {
        assertEquals([type, error.type], ["error", "invalid_request_error"]);
      } else {
        assertEquals([error.type, error.code], ["invalid_request_error", "request_timeout"]);
      }
      const [line] = lines.map((line) => JSON.parse(line));
      assertEquals([line.status, line.outcome], [408, "error"]);
      // Late data is not read, and the connection serves no other request.
      await time.advance(1_000);
      await client.write("x".repeat(5_000));
      assertEquals(await client.read(), undefined);
      // The slot is free, no timer is left, and no upstream was called.
      assertEquals(time.pending(), 0);
      assertEquals((await app.chat({ model: "m" })).status, 200);
      assertEquals(upstream.calls.length, 1);
    });
  }
}

Deno.test("a body that arrives slowly but in time is answered, and the connection can be reused", async () => {
  await using upstream = startUpstream([{ content: "Here it is." }]);
  const app = await createTestApp({ upstream: upstream.url });
  await using server = serve(app);
  using client = await connect(server.addr.port);
  const body = JSON.stringify({ model: "plain", messages: [{ role: "user", content: "Hi" }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n` +
    `authorization: Bearer ${TOKEN}\r\ncontent-length: ${body.length}\r\n\r\n`;
  for (let round = 0; round < 2; round++) {
    await client.write(head);
    for (const char of body) await client.write(char);
    assertStringIncludes((await readAnswer(client)).body, "Here it is.");
  }
  assertEquals(upstream.calls.length, 2);
});

Deno.test("a request without a token is rejected before its body arrives", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  await using server = serve(app);
  using client = await connect(server.addr.port);
  await client.write(
    "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4000\r\n\r\n{",
  );
  const { head } = await readAnswer(client);
  assertStringIncludes(head, "HTTP/1.1 401 Unauthorized");
  assertStringIncludes(head, "connection: close");
});
