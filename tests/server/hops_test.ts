import { assert, assertEquals, assertMatch } from "@std/assert";
import { createTestApp, type TestApp, TOKEN } from "../support/app.ts";
import { type Reply, startUpstream } from "../support/upstream.ts";

/** Serves an app, whose upstream has the given address, by default its own. */
async function serveApp(upstream?: string, server = "{}") {
  let app: TestApp | undefined;
  let requests = 0;
  const listener = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    requests++;
    return app!.handle(request);
  });
  const url = `http://127.0.0.1:${listener.addr.port}/v1`;
  const yaml = (upstream: string) => `
server: ${server}
upstreams: { u: { base_url: "${upstream}", api_key: "${TOKEN}", retry: { base_ms: 1 } } }
models: { m: { upstream: u, model: m } }
`;
  app = await createTestApp({ upstream: "", yaml: yaml(upstream ?? url) });
  return {
    url,
    app,
    requests: () => requests,
    async lead(upstream: string) {
      app = await createTestApp({ upstream: "", yaml: yaml(upstream) });
    },
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

type Server = Awaited<ReturnType<typeof serveApp>>;

async function ask({ app }: Pick<Server, "app">, init: RequestInit = {}) {
  const response = await app.chat({ model: "m" }, init);
  return { status: response.status, body: await response.json() };
}

Deno.test("an upstream that leads back to the server gets 508 after one call, and fills no slot", async () => {
  await using server = await serveApp(undefined, "{ max_concurrent_requests: 1, max_queue: 0 }");
  const { status, body } = await ask(server);
  assertEquals([status, body.error.code], [508, "loop_detected"]);
  assertEquals(server.requests(), 1, "the call is not retried");
  for (const path of ["/v1/responses", "/v1/messages"]) {
    const response = await server.app.send(path, {
      model: "m",
      ...(path === "/v1/responses" ? { input: "Hi" } : {
        messages: [{ role: "user", content: "Hi" }],
        max_tokens: 10,
      }),
    });
    await response.body?.cancel();
    assertEquals(response.status, 508);
  }
});

Deno.test("simultaneous requests to a server that is its own upstream all get 508", async () => {
  await using server = await serveApp();
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(server)));
  assertEquals(new Set(answers.map(({ status }) => status)), new Set([508]));
  assertEquals(server.requests(), 20);
});

Deno.test("a loop over another server is detected by the first", async () => {
  await using second = await serveApp("http://127.0.0.1:8080/v1");
  await using first = await serveApp(second.url);
  await second.lead(first.url);
  const { status, body } = await ask(first);
  assertEquals([status, body.error.code], [508, "loop_detected"]);
  assertEquals([first.requests(), second.requests()], [1, 1]);
});

Deno.test("a chain of servers is no loop, up to 8", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  await using stack = new AsyncDisposableStack();
  let url = upstream.url;
  for (let length = 1; length <= 9; length++) {
    const server: Server = stack.use(await serveApp(url));
    url = server.url;
    const { status } = await ask(server);
    assertEquals(status, length <= 8 ? 200 : 508, `${length} servers`);
  }
  const sent = upstream.calls.map(({ headers }) => headers.get("x-o1-api-hops")!.split(" "));
  for (const [i, ids] of sent.entries()) {
    assertEquals(new Set(ids).size, i + 1);
    for (const id of ids) assertMatch(id, /^[0-9a-f]{16}$/);
  }
});

Deno.test("a client can only pass on ids", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  await using server = await serveApp(upstream.url);
  const headers = { "x-o1-api-hops": "http://evil.example 0123456789abcdef, secret" };
  assertEquals((await ask(server, { headers })).status, 200);
  const [first, ...others] = upstream.calls[0]!.headers.get("x-o1-api-hops")!.split(" ");
  assertEquals([first, others.length], ["0123456789abcdef", 1]);
});

Deno.test("the next upstream is called if the first one leads back to the server", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  await using listener = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const app: TestApp = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams:
  self: { base_url: "http://127.0.0.1:${listener.addr.port}/v1", api_key: "${TOKEN}" }
  other: { base_url: UPSTREAM }
models: { m: { upstream: [self, other], model: m } }
`,
  });
  const { status } = await ask({ app });
  assertEquals([status, upstream.calls.length], [200, 1]);
});

Deno.test("a 508 of another kind of server is a failure of the upstream", async () => {
  const reply: Reply = { status: 508, body: '{"error":{"message":"Resource limit is reached"}}' };
  await using upstream = startUpstream([reply]);
  await using server = await serveApp(upstream.url);
  const { status, body } = await ask(server);
  assertEquals([status, body.error.code], [502, "upstream_error"]);
  assert(upstream.calls.length > 1, "it is retried");
});
