import { assertEquals } from "@std/assert";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";

const yaml = async (server: string, upstream = "{ base_url: UPSTREAM }") => `
server: ${server}
upstreams: { u: ${upstream} }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`;

const textOf = ({ body }: Call) => body.messages[0].content;

/** Stalls for alice and answers bob. */
const stallsForAlice = (call: Call): Reply =>
  textOf(call) === "alice" ? { content: ["a"], end: "stall" } : { content: "4" };

function createAsk(app: TestApp) {
  return (client: ClientName, body: Record<string, unknown> = {}, init: RequestInit = {}) =>
    app.chat({ messages: [{ role: "user", content: client }], ...body }, {
      headers: as(client),
      ...init,
    });
}

/** Returns a request whose body never ends. */
function unfinished(client: ClientName, signal: AbortSignal): Request {
  return new Request("http://localhost/v1/chat/completions", {
    method: "POST",
    headers: as(client),
    body: new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode("{")) }),
    signal,
  });
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("requests with unfinished bodies leave places for other clients", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml("{ max_concurrent_requests: 10, max_queue: 5, body_timeout_ms: 1000 }"),
  });
  const left = new AbortController();
  const flood = Array.from(
    { length: 30 },
    () => app.handle(unfinished("alice", left.signal)).then(({ status }) => status),
  );
  assertEquals(await statusOf(createAsk(app)("bob")), 200);
  left.abort();
  const statuses = await Promise.all(flood);
  // Those without a place in the queue were rejected at once.
  assertEquals(statuses.filter((status) => status === 503).length > 10, true);
});

Deno.test("streams that are not read leave places for other clients", async () => {
  await using upstream = startUpstream(stallsForAlice);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml("{ max_concurrent_requests: 10, max_queue: 0 }"),
  });
  const ask = createAsk(app);
  const streams = await Promise.all(
    Array.from({ length: 15 }, () => ask("alice", { stream: true })),
  );
  assertEquals(streams.filter(({ status }) => status === 200).length, 8);
  assertEquals(await statusOf(ask("bob")), 200);
  for (const { body } of streams) await body?.cancel();
  await app.drain(1_000);
});

Deno.test("a client alone on a server uses all of it", async () => {
  await using upstream = startUpstream(stallsForAlice);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: (await yaml("{ max_concurrent_requests: 10, max_queue: 0 }")).split("keys:")[0]!,
  });
  const message = { role: "user", content: "alice" };
  const streams = await Promise.all(
    Array.from({ length: 15 }, () => app.chat({ stream: true, messages: [message] })),
  );
  assertEquals(streams.filter(({ status }) => status === 200).length, 10);
  for (const { body } of streams) await body?.cancel();
  await app.drain(1_000);
});

Deno.test("upstream calls that stall leave slots for other clients", async () => {
  await using upstream = startUpstream(stallsForAlice);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml("{}", "{ base_url: UPSTREAM, max_concurrency: 10 }"),
  });
  const ask = createAsk(app);
  const flood = Array.from({ length: 20 }, () => ask("alice", { stream: true }));
  await upstream.called(8);
  const streams = await Promise.all(flood);
  assertEquals(await statusOf(ask("bob")), 200);
  for (const { body } of streams) await body?.cancel();
  await app.drain(1_000);
});

Deno.test("the next free upstream slot goes to the client with the fewest calls", async () => {
  const gates = Array.from({ length: 30 }, () => Promise.withResolvers<void>());
  await using upstream = startUpstream(({ index }) => ({
    content: "4",
    before: gates[index]!.promise,
  }));
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml("{ commit_after_ms: 50 }", "{ base_url: UPSTREAM, max_concurrency: 2 }"),
  });
  const ask = createAsk(app);
  // A stream begins although its call waits.
  const flood = Array.from({ length: 10 }, () => ask("alice", { stream: true }));
  const streams = [...await Promise.all(flood), await ask("bob", { stream: true })];
  gates[0]!.resolve();
  const texts = streams.map((response) => response.text());
  await upstream.called(3);
  assertEquals(upstream.calls.map(textOf), ["alice", "alice", "bob"]);
  for (const { resolve } of gates) resolve();
  await Promise.all(texts);
});

Deno.test("background responses leave places for other clients", async () => {
  await using upstream = startUpstream(stallsForAlice);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml("{ max_background: 10 }"),
  });
  const start = (client: ClientName) =>
    statusOf(app.respond({ background: true, input: client }, { headers: as(client) }));
  const flood = await Promise.all(Array.from({ length: 15 }, () => start("alice")));
  assertEquals(flood.filter((status) => status === 200).length, 8);
  assertEquals(await start("bob"), 200);
  await app.drain(0);
});
