import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseConfig } from "../../../lib/config/load.ts";
import { resolveConfig } from "../../../lib/config/resolve.ts";
import { createTestApp, readStream, TOKEN } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { parseScrape } from "../../support/parsers/scrape.ts";
import { waitUntil } from "../../support/wait.ts";

const yamlFor = (server: string) => `
server: ${server}
upstreams: { u: { base_url: UPSTREAM, timeouts: { total_ms: 86400000, headers_ms: 86400000 } } }
models: { m: { upstream: u, model: x } }
`;

/** An app whose upstream answers each call only when the test says so. */
async function openApp(server: string) {
  const gates: PromiseWithResolvers<void>[] = [];
  const gate = (index: number) => gates[index] ??= Promise.withResolvers<void>();
  const upstream = startUpstream((call: Call) => ({
    content: call.body.messages[0].content,
    before: gate(call.index).promise,
  }));
  const time = createFakeClock();
  const lines: string[] = [];
  const app = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    lines,
    yaml: yamlFor(server),
  });
  const env = () => undefined;
  const ask = async (content: string, init: RequestInit = {}) => {
    const response = await app.chat({ messages: [{ role: "user", content }] }, init);
    const body = await response.json();
    return { response, text: body.choices?.[0].message.content ?? body.error.code, body };
  };
  return {
    app,
    lines,
    time,
    upstream,
    /** Sends a question, which is also its answer. */
    ask,
    async reload(server: string) {
      const yaml = yamlFor(server).replaceAll("UPSTREAM", upstream.url);
      const config = await parseConfig(`api_bearer_token: "${TOKEN}"\n${yaml}`, {
        file: "config.yaml",
        env,
        readFile: () => Promise.reject(new Error("no file")),
      });
      app.reload(await resolveConfig(config, { env }));
    },
    /** Sends a question and resolves once it waits in the queue. */
    queue: async (content: string, init: RequestInit = {}) => {
      const before = time.pending();
      const answer = ask(content, init);
      await waitUntil("the request to wait in the queue", () => time.pending() !== before);
      return { answer };
    },
    /** Resolves when the upstream has received this call, counted from 0. */
    asked: (index: number) => upstream.called(index + 1),
    /** Lets the upstream answer this call, counted from 0. */
    answer: (index: number) => gate(index).resolve(),
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

Deno.test("requests over the limit wait and run in the order of their arrival", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 3 }");
  const texts = ["a", "b", "c", "d"];
  const all = [world.ask("a")];
  await world.asked(0);
  for (const text of texts.slice(1)) all.push((await world.queue(text)).answer);
  for (const [index] of texts.entries()) {
    await world.asked(index);
    assertEquals(world.upstream.calls.length, index + 1, "the others wait");
    world.answer(index);
  }
  assertEquals((await Promise.all(all)).map(({ text }) => text), texts);
  assertEquals(world.upstream.calls.map(({ body }) => body.messages[0].content), texts);
});

Deno.test("a request that finds the queue full gets a 503 with retry-after at once; health checks succeed", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 1 }");
  const running = world.ask("a");
  await world.asked(0);
  const waiting = await world.queue("b");
  const { response, body } = await world.ask("c");
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("retry-after"), "2");
  assertEquals(response.headers.get("x-should-retry"), null);
  assertEquals([body.error.type, body.error.code], [
    "service_unavailable_error",
    "server_overloaded",
  ]);
  for (const path of ["/healthz", "/readyz", "/health", "/"]) {
    const health = await world.app.handle(new Request(`http://localhost${path}`));
    assertEquals(health.status, 200);
    await health.body?.cancel();
  }
  world.answer(0);
  world.answer(1);
  assertEquals([(await running).text, (await waiting.answer).text], ["a", "b"]);
});

Deno.test("a rejected Messages request is logged and counted under the status that was sent", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 0 }");
  const running = world.ask("a");
  await world.asked(0);
  const response = await world.app.send("/v1/messages", {});
  await response.body?.cancel();
  assertEquals(response.status, 529);
  assertEquals(world.lines.map((line) => JSON.parse(line).status), [529]);
  const metrics = parseScrape(await (await world.app.send("/metrics")).text());
  const counted = (status: string) =>
    metrics.sum("o1_api_requests_total", { http_response_status_code: status });
  assertEquals([counted("529"), counted("503")], [1, 0]);
  world.answer(0);
  assertEquals((await running).text, "a");
});

Deno.test("/metrics answers with the bearer token when the server is full and while it drains", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 1 }");
  const statusOf = async (init: RequestInit = {}) => {
    const response = await world.app.send("/metrics", undefined, init);
    await response.body?.cancel();
    return response.status;
  };
  const running = world.ask("a");
  await world.asked(0);
  const waiting = await world.queue("b");
  assertEquals(await statusOf(), 200);
  assertEquals(await statusOf({ headers: { authorization: "" } }), 401);
  world.answer(0);
  world.answer(1);
  assertEquals([(await running).text, (await waiting.answer).text], ["a", "b"]);
  await world.app.drain(0);
  assertEquals(await statusOf(), 200);
});

Deno.test("a reload that raises the limit lets waiting requests run", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 2 }");
  const running = world.ask("a");
  await world.asked(0);
  const waiting = [await world.queue("b"), await world.queue("c")];
  await world.reload("{ max_concurrent_requests: 2, max_queue: 2 }");
  await world.asked(1);
  assertEquals(world.upstream.calls.length, 2, "one still waits");
  for (const index of [1, 2, 0]) world.answer(index);
  const all = [await running, await waiting[0]!.answer, await waiting[1]!.answer];
  assertEquals(all.map(({ text }) => text), ["a", "b", "c"]);
});

Deno.test("without a queue, requests over the limit get a 503", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 0 }");
  const running = world.ask("a");
  await world.asked(0);
  assertEquals((await world.ask("b")).text, "server_overloaded");
  world.answer(0);
  assertEquals((await running).text, "a");
});

Deno.test("a waiting request gets a 503 after 10 seconds", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 5 }");
  const running = world.ask("a");
  await world.asked(0);
  const waiting = await world.queue("b");
  await world.time.advance(9_999);
  const later = await world.queue("c");
  await world.time.advance(1);
  assertEquals((await waiting.answer).text, "server_overloaded");
  world.answer(0);
  world.answer(1);
  assertEquals([(await running).text, (await later.answer).text], ["a", "c"]);
});

Deno.test("a client that disconnects while it waits leaves the queue", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 1 }");
  const running = world.ask("a");
  await world.asked(0);
  const leaver = new AbortController();
  const gone = await world.queue("b", { signal: leaver.signal });
  leaver.abort();
  await gone.answer;
  const waiting = await world.queue("c");
  world.answer(0);
  world.answer(1);
  assertEquals([(await running).text, (await waiting.answer).text], ["a", "c"]);
  assertEquals(world.upstream.calls.length, 2);
});

const ENDINGS: [name: string, reply: Reply[], body: Record<string, unknown>][] = [
  ["fails", [{ status: 400, body: "{}" }, { content: "b" }], {}],
  ["breaks in the stream", [{ content: ["a"], end: "cut" }, { content: "b" }], { stream: true }],
  ["is refused", [{ content: "b" }], { messages: [] }],
  ["streams", [{ content: ["a"] }, { content: "b" }], { stream: true }],
];

for (const [name, replies, body] of ENDINGS) {
  Deno.test(`a request that ${name} frees its slot once`, async () => {
    await using upstream = startUpstream(replies);
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
server: { max_concurrent_requests: 1, max_queue: 0, max_retries: 0 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
`,
    });
    const first = await app.chat(body);
    if (first.headers.get("content-type")?.startsWith("text/event-stream")) {
      assertEquals((await app.chat({})).status, 503, "a running stream keeps its slot");
    }
    await first.text();
    assertEquals((await (await app.chat({})).json()).choices[0].message.content, "b");
  });
}

Deno.test("a stream whose client disconnects frees its slot", async () => {
  await using upstream = startUpstream((call) =>
    call.index === 0 ? { content: ["a"], end: "stall" } : { content: "b" }
  );
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
server: { max_concurrent_requests: 1, max_queue: 0 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
`,
  });
  const stream = readStream(await app.chat({ stream: true }));
  await stream.until(({ content }) => content === "a");
  await stream.cancel();
  await upstream.calls[0]!.left;
  assertEquals((await (await app.chat({})).json()).choices[0].message.content, "b");
});

Deno.test("requests that wait when the server shuts down are rejected", async () => {
  await using world = await openApp("{ max_concurrent_requests: 1, max_queue: 1 }");
  const running = world.ask("a");
  await world.asked(0);
  const waiting = await world.queue("b");
  const drained = world.app.drain(30_000);
  world.answer(0);
  assertEquals((await running).text, "a");
  assertEquals((await waiting.answer).text, "server_shutdown");
  await drained;
  assertStringIncludes((await world.ask("c")).text, "server_shutdown");
});
