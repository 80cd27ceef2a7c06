import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Clock, systemClock, within } from "../../../lib/clock.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { connect, type Connection } from "../../support/connection.ts";
import { type Reply, startUpstream } from "../../support/upstream.ts";

/** How a request is sent: characters of text in its body, and writes for head and body. */
const SHAPES = [
  { name: "small, in one write", text: 10, writes: 1 },
  { name: "of 20 kB, in one write", text: 20_000, writes: 1 },
  { name: "small, in two writes", text: 10, writes: 2 },
  { name: "of 2 kB, in two writes", text: 2_000, writes: 2 },
  { name: "of 20 kB, in two writes", text: 20_000, writes: 2 },
] as const;

const DIALECTS = [
  { path: "/v1/chat/completions", field: "messages" },
  { path: "/v1/responses", field: "input" },
] as const;

/** A reply that has begun but sends no text; the upstream can see when its caller disconnects. */
function silent(stream: boolean): Reply {
  const never = () => new Promise(() => {});
  return stream
    ? { content: ["x"], gate: never }
    : { frames: ["{"], headers: { "content-type": "application/json" }, end: "stall" };
}

/** Settings with which nothing is sent before the answer. */
const SILENT = "{ commit_after_ms: 600000, heartbeat_ms: 600000 }";

async function served(upstream: string, settings: string, clock?: Clock) {
  const app = await createTestApp({
    upstream,
    ...(clock === undefined ? {} : { clock }),
    yaml: `
server: ${settings}
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
`,
  });
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
}

/** Sends a request without reading the response. */
async function send(
  port: number,
  { path, field }: typeof DIALECTS[number],
  { text, writes }: { text: number; writes: 1 | 2 },
  stream: boolean,
): Promise<Connection> {
  const client = await connect(port);
  const body = JSON.stringify({
    stream,
    [field]: [{ role: "user", content: "a".repeat(text) }],
  });
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n` +
    `content-length: ${body.length}\r\n\r\n`;
  for (const part of writes === 1 ? [head + body] : [head, body]) {
    await client.write(part);
  }
  return client;
}

for (const dialect of DIALECTS) {
  for (const stream of [true, false]) {
    for (const shape of SHAPES) {
      const request = `${dialect.path}, stream: ${stream}, ${shape.name}`;
      Deno.test(`a client that disconnects before the response ends the upstream call (${request})`, async () => {
        await using upstream = startUpstream((call) => silent(call.body.stream));
        await using server = await served(upstream.url, SILENT);
        const client = await send(server.addr.port, dialect, shape, stream);
        await upstream.called();
        client[Symbol.dispose]();
        await upstream.calls[0]!.left;
        assertEquals(upstream.open, 0);
      });
    }
  }
}

Deno.test("a client that disconnects after the spaces before its JSON ends the upstream call", async () => {
  await using upstream = startUpstream(() => silent(false));
  await using server = await served(upstream.url, "{ json_heartbeat: true, heartbeat_ms: 20 }");
  const client = await send(server.addr.port, DIALECTS[0], SHAPES[3], false);
  await client.read();
  await upstream.called();
  client[Symbol.dispose]();
  await upstream.calls[0]!.left;
  assertEquals(upstream.open, 0);
});

Deno.test("a client that disconnects before the response is noticed within 100 ms", async () => {
  await using upstream = startUpstream((call) => silent(call.body.stream));
  const time = createFakeClock();
  await using server = await served(upstream.url, SILENT, time.clock);
  const client = await send(server.addr.port, DIALECTS[0], SHAPES[3], false);
  await upstream.called();
  client[Symbol.dispose]();
  // 100 ms on the server's clock; in reality, the system has more time to report the disconnect.
  for (let ms = 0; ms < 100; ms += 10) {
    await time.advance(10);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const noticed = await within(systemClock, 10_000, upstream.calls[0]!.left);
  // A server that looks too late would otherwise never close.
  await time.advance(10_000);
  assertEquals(noticed, undefined);
});

Deno.test("a client that waits long gets its response and can reuse the connection", async () => {
  const { promise: before, resolve: release } = Promise.withResolvers<void>();
  await using upstream = startUpstream([{ content: "Here it is.", before }]);
  const time = createFakeClock();
  await using server = await served(upstream.url, SILENT, time.clock);
  const [dialect] = DIALECTS;
  using client = await send(server.addr.port, dialect, SHAPES[3], false);
  await upstream.called();
  for (let look = 0; look < 20; look++) await time.advance(50);
  release();
  const answer = (await client.read())!;
  assertStringIncludes(answer, "HTTP/1.1 200 OK");
  assertStringIncludes(answer, "Here it is.");
  await client.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  assertStringIncludes((await client.read())!, "HTTP/1.1 200 OK");
});
