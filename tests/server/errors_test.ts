import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp, parseStream, TOKEN } from "../support/app.ts";
import { chunks, startUpstream } from "../support/upstream.ts";

const user = [{ role: "user", content: "Hi" }];

interface Case {
  name: string;
  body: unknown;
  status?: number;
  code?: string | null;
  param?: string | null;
  says: string;
}

const CASES: Case[] = [
  {
    name: "no JSON",
    body: "{nope",
    code: null,
    param: null,
    says: "could not parse the JSON",
  },
  {
    name: "an empty body",
    body: "",
    code: null,
    says: "could not parse the JSON",
  },
  {
    name: "an array",
    body: "[]",
    code: "invalid_type",
    param: null,
    says: "JSON object",
  },
  {
    name: "null",
    body: "null",
    code: "invalid_type",
    param: null,
    says: "JSON object",
  },
  {
    name: "no messages",
    body: {},
    code: "missing_required_parameter",
    param: "messages",
    says: "'messages'",
  },
  {
    name: "null messages",
    body: { messages: null },
    code: "invalid_type",
    param: "messages",
    says: "expected an array, but got null",
  },
  {
    name: "empty messages",
    body: { messages: [] },
    code: "invalid_value",
    param: "messages",
    says: "at least 1",
  },
  {
    name: "messages of a wrong type",
    body: { messages: "Hi" },
    code: "invalid_type",
    param: "messages",
    says: "expected an array, but got a string",
  },
  {
    name: "a message of a wrong type",
    body: { messages: [...user, 7] },
    code: "invalid_type",
    param: "messages[1]",
    says: "expected an object, but got a number",
  },
  {
    name: "a message without a role",
    body: { messages: [{ content: "Hi" }] },
    code: "missing_required_parameter",
    param: "messages[0].role",
    says: "messages[0].role",
  },
  {
    name: "an unknown role",
    body: { messages: [{ role: "boss", content: "Hi" }] },
    code: "invalid_value",
    param: "messages[0].role",
    says: "'developer'",
  },
  {
    name: "content of a wrong type",
    body: { messages: [{ role: "user", content: 7 }] },
    code: "invalid_type",
    param: "messages[0].content",
    says: "a string or an array of content parts",
  },
  {
    name: "a content part of a wrong type",
    body: { messages: [{ role: "user", content: [{ type: "text", text: "a" }, 7] }] },
    code: "invalid_type",
    param: "messages[0].content[1]",
    says: "expected an object, but got a number",
  },
  {
    name: "a stop sequence of a wrong type",
    body: { messages: user, stop: ["a", 7] },
    code: "invalid_type",
    param: "stop[1]",
    says: "expected a string, but got a number",
  },
  {
    name: "a stream of a wrong type",
    body: { messages: user, stream: "yes" },
    code: "invalid_type",
    param: "stream",
    says: "expected a boolean, but got a string",
  },
  {
    name: "a temperature that is too high",
    body: { messages: user, temperature: 3 },
    code: "invalid_value",
    param: "temperature",
    says: "at most 2",
  },
  {
    name: "no tokens",
    body: { messages: user, max_tokens: 0 },
    code: "invalid_value",
    param: "max_tokens",
    says: "at least 1",
  },
  {
    name: "a limit of half a token",
    body: { messages: user, max_completion_tokens: 1.5 },
    code: "invalid_type",
    param: "max_completion_tokens",
    says: "expected a whole number, but got a number",
  },
  {
    name: "a schema that refers to itself",
    body: {
      messages: user,
      response_format: { type: "json_schema", json_schema: { name: "n", schema: { $ref: "#" } } },
    },
    code: "invalid_value",
    param: "response_format.json_schema.schema",
    says: "it refers to itself without end",
  },
  {
    name: "an unknown effort",
    body: { messages: user, reasoning_effort: "huge" },
    code: "invalid_value",
    param: "reasoning_effort",
    says: "'xhigh'",
  },
  {
    name: "an unknown strategy",
    body: { messages: user, reasoning: { strategy: "mcts" } },
    code: "invalid_value",
    param: "reasoning.strategy",
    says: "Known strategies are",
  },
  {
    name: "an unknown option",
    body: { messages: user, reasoning: { max_stepz: 2 } },
    code: "invalid_value",
    param: "reasoning.max_stepz",
    says: "The strategy 'steps' knows: strategy, min_steps, max_steps, re2, wait, tools.",
  },
  {
    name: "a bad option",
    body: { messages: user, reasoning: { max_steps: 0 } },
    code: "invalid_value",
    param: "reasoning.max_steps",
    says: "'reasoning.max_steps': expected at least 1.",
  },
  {
    name: "an option of a wrong type",
    body: { messages: user, reasoning: { max_steps: "2" } },
    code: "invalid_value",
    param: "reasoning.max_steps",
    says: "'reasoning.max_steps': expected a number.",
  },
  {
    name: "an unknown value of an option",
    body: { messages: user, reasoning: { strategy: "vote", finalize: "best" } },
    code: "invalid_value",
    param: "reasoning.finalize",
    says: "'reasoning.finalize': expected winner or synthesize.",
  },
  {
    name: "an unknown model",
    body: { messages: user, model: "gpt-9" },
    status: 404,
    code: "model_not_found",
    param: null,
    says: "Known models are: 'o1', 'plain'",
  },
  {
    name: "raw reasoning beside tools",
    body: {
      messages: user,
      reasoning_format: "raw",
      tools: [{ type: "function", function: { name: "f" } }],
    },
    code: "invalid_value",
    param: "reasoning_format",
    says: "'raw'",
  },
];

for (const { name, body, status = 400, code, param, says } of CASES) {
  Deno.test(`a request with ${name} is rejected with OpenAI's error format`, async () => {
    const app = await createTestApp({ upstream: "http://127.0.0.1:9999" });
    const response = await app.send("/v1/chat/completions", body);
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-type"), "application/json");
    const { error } = await response.json();
    assertEquals(Object.keys(error), ["message", "type", "param", "code"]);
    assertEquals(error.type, "invalid_request_error");
    if (code !== undefined) assertEquals(error.code, code);
    if (param !== undefined) assertEquals(error.param, param);
    assertStringIncludes(error.message, says);
  });
}

const app = () => createTestApp({ upstream: "http://127.0.0.1:9999" });

Deno.test("unknown paths get a 404 and wrong methods a 405 in OpenAI's error format", async () => {
  const { send } = await app();
  const unknown = await send("/v1/foo", {});
  assertEquals(unknown.status, 404);
  assertEquals((await unknown.json()).error.message, "Invalid URL (POST /v1/foo)");
  for (
    const [path, what] of [
      ["/v1/embeddings", "embeddings."],
      ["/v1/completions", "legacy completions: use /v1/chat/completions."],
      ["/v1/batches/batch_1/cancel", "batches."],
    ] as const
  ) {
    const unserved = await send(path, {});
    assertEquals(unserved.status, 404);
    const { message } = (await unserved.json()).error;
    assertEquals(message, `Invalid URL (POST ${path}). This server does not serve ${what}`);
    assertEquals((await send(path)).status, 404);
  }
  const wrong = await send("/v1/chat/completions");
  assertEquals(wrong.status, 405);
  assertEquals(wrong.headers.get("allow"), "POST");
  assertEquals((await wrong.json()).error.code, "method_not_supported");
});

Deno.test("a missing or wrong token gets a 401; the token is accepted in three headers", async () => {
  const { handle } = await app();
  const ask = (headers: Record<string, string>) =>
    handle(new Request("http://localhost/v1/models", { headers }));
  const none = await ask({});
  assertEquals(none.status, 401);
  assertEquals(none.headers.get("www-authenticate"), "Bearer");
  assertEquals((await none.json()).error.code, null);
  const wrong = await ask({ authorization: "Bearer sk-wrong-secret-token" });
  assertEquals(wrong.status, 401);
  const { error } = await wrong.json();
  assertEquals(error.code, "invalid_api_key");
  assert(!error.message.includes("secret"));
  for (
    const headers of [
      { authorization: `Bearer ${TOKEN}` },
      { authorization: `bearer ${TOKEN}` },
      { "api-key": TOKEN },
      { "x-api-key": TOKEN },
    ]
  ) assertEquals((await ask(headers)).status, 200);
});

Deno.test("a body over the limit gets a 413, with or without content-length", async () => {
  const { send } = await createTestApp({
    upstream: "",
    yaml: "server: { max_body_bytes: 100 }",
  });
  const large = "x".repeat(101);
  assertEquals(
    (await send("/v1/chat/completions", large, {
      headers: { "content-length": "101" },
    })).status,
    413,
  );
  const body = new Blob(["y".repeat(60), "z".repeat(60)]).stream();
  const chunked = await send("/v1/chat/completions", "", { body });
  assertEquals(chunked.status, 413);
  assertStringIncludes((await chunked.json()).error.message, "100 bytes");
});

Deno.test("a preflight needs no token, and pages can read every response", async () => {
  const { handle, send } = await app();
  const preflight = await handle(
    new Request("http://localhost/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: "https://chat.example",
        "access-control-request-headers": "authorization, x-stainless-os",
      },
    }),
  );
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-origin"), "*");
  assertEquals(
    preflight.headers.get("access-control-allow-headers"),
    "authorization, x-stainless-os",
  );
  assertStringIncludes(
    preflight.headers.get("access-control-allow-methods")!,
    "POST",
  );
  assertEquals(preflight.headers.get("access-control-max-age"), "86400");
  const headers = { origin: "https://chat.example" };
  const failed = await send("/v1/nothing", undefined, { headers });
  assertEquals(failed.headers.get("access-control-allow-origin"), "*");
  assertStringIncludes(
    failed.headers.get("access-control-expose-headers")!,
    "x-request-id",
  );
});

Deno.test("with a list of origins, only their pages can read responses", async () => {
  const { send } = await createTestApp({
    upstream: "",
    yaml: 'server: { cors_origins: ["https://a.example"] }',
  });
  const from = async (origin: string) =>
    (await send("/v1/models", undefined, { headers: { origin } })).headers.get(
      "access-control-allow-origin",
    );
  assertEquals(await from("https://a.example"), "https://a.example");
  assertEquals(await from("https://b.example"), null);
});

Deno.test("models are listed, and found by ids with slashes", async () => {
  const { send } = await createTestApp({
    upstream: "",
    yaml: 'default_api_url: "https://x.example/v1"\ndefault_model: "org/model:free"\n',
  });
  const list = await (await send("/v1/models")).json();
  assertEquals(list.object, "list");
  const ids = list.data.map((model: { id: string }) => model.id);
  assertEquals([ids[0], ids.at(-1)], ["o1", "org/model:free"]);
  for (
    const path of [
      "/v1/models/org/model:free",
      "/v1/models/org%2Fmodel%3Afree",
      "/models/o1",
      "/v1/v1/models/o1/",
    ]
  ) {
    assertEquals((await (await send(path)).json()).object, "model");
  }
  const missing = await send("/v1/models/%zz");
  assertEquals(missing.status, 404);
  assertEquals((await missing.json()).error.code, "model_not_found");
});

Deno.test("health checks need no token, and every response has a request id", async () => {
  const { handle } = await app();
  for (const path of ["/", "/health", "/healthz", "/readyz", "/favicon.ico"]) {
    for (const method of ["GET", "HEAD"]) {
      const response = await handle(
        new Request(`http://localhost${path}`, { method }),
      );
      assertEquals(response.status, 200);
      assert(/^req_[0-9a-f]{32}$/.test(response.headers.get("x-request-id")!));
      assertEquals(await response.text() === "", method === "HEAD");
    }
  }
  const given = await handle(
    new Request("http://localhost/", { headers: { "x-request-id": "mine-1" } }),
  );
  for (
    const name of [
      "openai-version",
      "openai-organization",
      "openai-processing-ms",
    ]
  ) assert(given.headers.has(name), name);
  assertEquals(given.headers.get("x-request-id"), "mine-1");
});

Deno.test("an early upstream failure keeps its status, with and without streaming", async () => {
  await using upstream = startUpstream([{
    status: 429,
    headers: { "retry-after": "120" },
    body: '{"error":{"message":"slow down, sk-secretsecret"}}',
  }]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  for (const stream of [true, false]) {
    const response = await chat({ stream, model: "plain" });
    assertEquals(response.status, 429);
    assertEquals(response.headers.get("retry-after"), "120");
    const { error } = await response.json();
    assertEquals(error.code, "rate_limit_exceeded");
    assert(!error.message.includes("secret"));
  }
  assertEquals(upstream.calls.length, 2);
});

Deno.test("a stream that fails ends with an error frame and without [DONE]", async () => {
  await using upstream = startUpstream([{
    content: ["Half an", " answer"],
    end: "cut",
    finish: null,
  }]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  const stream = parseStream(
    await (await chat({ stream: true, model: "plain" })).text(),
  );
  assertEquals(stream.content, "Half an answer");
  assertEquals(stream.done, false);
  assertEquals(Object.keys(stream.error), ["message", "type", "param", "code"]);
  assertEquals(stream.error.code, "upstream_error");
});

for (
  const [path, body, type] of [
    ["/v1/chat/completions", { messages: user }, "service_unavailable_error"],
    ["/v1/responses", { input: user }, "service_unavailable_error"],
    ["/v1/messages", { messages: user, max_tokens: 9 }, "overloaded_error"],
  ] as const
) {
  Deno.test(`a stream that fails keeps the type of its error unless the client has received something: ${path}`, async () => {
    for (
      const { content, commitMs, expected } of [
        { content: "", commitMs: 1, expected: type },
        { content: "Half", commitMs: 1, expected: "invalid_request_error" },
        { content: "Half", commitMs: 60_000, expected: "invalid_request_error" },
      ]
    ) {
      const committed = Promise.withResolvers<void>();
      const failure = Promise.withResolvers<void>();
      await using upstream = startUpstream([{
        frames: [...chunks({ content, finish: null }, false), { error: { code: 503 } }],
        gate: (frame) =>
          [undefined, commitMs === 1 ? committed : undefined, failure][frame]?.promise,
      }]);
      const { send } = await createTestApp({
        upstream: upstream.url,
        yaml: `
server: { commit_after_ms: ${commitMs} }
upstreams: { u: { base_url: UPSTREAM, retry: { max_attempts: 1 } } }
models: { m: { strategy: direct, upstream: u, model: x } }`,
      });
      const response = await send(path, { ...body, model: "m", stream: true });
      assertEquals(response.status, 200);
      committed.resolve();
      let text = "";
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
        text += piece;
        if (text.includes(content)) failure.resolve();
      }
      const { error } = text.split("\n").filter((line) => line.startsWith("data: {"))
        .map((line) => JSON.parse(line.slice(6))).find(({ error }) => error);
      assertEquals(error.type, expected);
    }
  });
}

Deno.test("the log contains no prompt, answer or key", async () => {
  await using upstream = startUpstream([{ content: "secret answer" }]);
  const lines: string[] = [];
  const { chat, send } = await createTestApp({ upstream: upstream.url, lines });
  await (await chat({ messages: [{ role: "user", content: "secret prompt" }] }))
    .text();
  await (await send("/v1/models", undefined, {
    headers: { authorization: "Bearer sk-secret" },
  }))
    .text();
  assertEquals(lines.length, 2);
  assert(!/secret|4711/.test(lines.join("\n")), lines.join("\n"));
  const line = JSON.parse(lines[0]!);
  assertEquals([
    line.status,
    line.model,
    line.strategy,
    line.calls,
    line.outcome,
  ], [
    200,
    "o1",
    "steps",
    4,
    "ok",
  ]);
});

Deno.test("an upstream's error that quotes the operator's words has no detail", async () => {
  for (const strategy of ["direct", "vote"]) {
    await using upstream = startUpstream(({ body }) => ({
      status: 400,
      body: JSON.stringify({ error: { message: `Invalid: ${JSON.stringify(body.messages)}` } }),
    }));
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models:
  m: { strategy: ${strategy}, upstream: s, model: m, system_prompt: The operator's secret words. }
`,
    });
    const response = await app.chat({ model: "m", messages: user });
    assertEquals(
      (await response.json()).error.message,
      "The upstream rejected the request.",
      strategy,
    );
  }
});
