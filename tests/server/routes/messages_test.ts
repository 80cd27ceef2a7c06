import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTestApp, type TestAppOptions, TOKEN } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { parseMessageStream } from "../../support/parsers/messages.ts";
import { sha256 } from "../../support/sha256.ts";
import {
  type Call,
  pieces,
  type Reply,
  startUpstream,
  step,
  type Upstream,
} from "../../support/upstream.ts";
import CLAUDE_CODE from "../claude_code.json" with { type: "json" };

const STEPS: Reply[] = [
  { content: pieces(step("Understand", "Add two and two.")) },
  { content: pieces(step("Compute", "2 + 2 = 4.")) },
  { content: pieces(step("Check", "Counting on.", "final_answer")) },
  { content: pieces("The answer is 4.") },
];
const THOUGHT =
  "**Understand**\n\nAdd two and two.\n\n**Compute**\n\n2 + 2 = 4.\n\n**Check**\n\nCounting on.\n\n";
const ADD = { id: "call_1", name: "add", arguments: ['{"a":', "1}"] };
const TOOLS = [{ name: "add", input_schema: { type: "object", properties: {} } }];

interface Setup extends AsyncDisposable {
  upstream: Upstream;
  ask(body?: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  app: Awaited<ReturnType<typeof createTestApp>>;
}

async function setUp(
  script: Parameters<typeof startUpstream>[0],
  options: Partial<TestAppOptions> = {},
): Promise<Setup> {
  const upstream = startUpstream(script);
  const app = await createTestApp({ upstream: upstream.url, ...options });
  return {
    upstream,
    app,
    ask: (body, init) =>
      app.send("/v1/messages?beta=true", {
        model: "o1",
        max_tokens: 4000,
        messages: [{ role: "user", content: "What is 2 + 2?" }],
        ...body,
      }, init),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

const VERSION = { headers: { "anthropic-version": "2023-06-01" } };

const thinking = { type: "enabled", budget_tokens: 2000 };

Deno.test("requested thinking precedes the answer, with and without streaming", async () => {
  await using setup = await setUp((call) => STEPS[call.index % 4]!);
  const object = await (await setup.ask({ thinking })).json();
  const response = await setup.ask({ thinking, stream: true });
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const { message, events, done } = parseMessageStream(await response.text());
  assert(done);
  assertEquals(events.slice(0, 3), ["message_start", "ping", "content_block_start"]);
  for (const { content, usage, ...rest } of [object, message]) {
    const [first, second, ...more] = content;
    assertEquals(more, []);
    assertEquals([first.type, first.thinking], ["thinking", THOUGHT]);
    assertMatch(first.signature, /^[\w.-]{20,}$/);
    assertEquals([second.type, second.text], ["text", "The answer is 4."]);
    assertEquals([usage.input_tokens, usage.output_tokens], [10, 20]);
    assertEquals(usage.upstream.calls, 4);
    assertMatch(rest.id, /^msg_\w{24}$/);
    const { id: _, ...fields } = rest;
    assertEquals(fields, {
      type: "message",
      role: "assistant",
      model: "o1",
      stop_reason: "end_turn",
      stop_sequence: null,
      stop_details: null,
    });
  }
});

Deno.test("thinking that was not requested is not shown", async () => {
  await using setup = await setUp((call) => STEPS[call.index % 4]!);
  const object = await (await setup.ask()).json();
  const { message } = parseMessageStream(await (await setup.ask({ stream: true })).text());
  for (const { content } of [object, message]) {
    assertEquals(content.map(({ type }: { type: string }) => type), ["text"]);
  }
  assertEquals(setup.upstream.calls.length, 8);
});

Deno.test("with thinking disabled the model does not reason", async () => {
  await using setup = await setUp([STEPS[3]!]);
  const { content } = await (await setup.ask({ thinking: { type: "disabled" } })).json();
  assertEquals([content.length, content[0].text], [1, "The answer is 4."]);
  assertEquals(setup.upstream.calls.length, 1);
});

Deno.test("thinking with an omitted display still has its signature", async () => {
  await using setup = await setUp(STEPS);
  const omitted = { type: "adaptive", display: "omitted" };
  const text = await (await setup.ask({ thinking: omitted, stream: true })).text();
  const [first, second] = parseMessageStream(text).message.content;
  assertEquals([first.type, first.thinking, second.text], ["thinking", "", "The answer is 4."]);
  assert(first.signature !== "");
  assert(!text.includes("Understand"));
});

Deno.test("thinking before a tool call is sent back upstream if its signature is our own", async () => {
  // Like DeepSeek, it requires the reasoning, which another server only has from the signature.
  const script = ({ body: { messages } }: Call): Reply => {
    const call = messages.find((message: { role: string }) => message.role === "assistant");
    if (call === undefined) {
      return { reasoning: ["private ", "thought"], content: "Let me see.", toolCalls: [ADD] };
    }
    if (call.reasoning_content === "private thought") return { content: "3" };
    const message = "The reasoning_content in the thinking mode must be passed back to the API.";
    return { status: 400, body: JSON.stringify({ error: { message } }) };
  };
  const body = { model: "plain", tools: TOOLS, thinking };
  await using first = await setUp(script);
  const { content, stop_reason } = await (await first.ask(body)).json();
  assertEquals(stop_reason, "tool_use");
  assertEquals(content.slice(1), [
    { type: "text", text: "Let me see." },
    { type: "tool_use", id: "call_1", name: "add", input: { a: 1 } },
  ]);
  const [signed, ...rest] = content;
  const yaml = `
secret: another than the first server's
upstreams: { scripted: { base_url: UPSTREAM } }
models: { plain: { strategy: direct, upstream: scripted, model: scripted-model } }
`;
  const cases: [unknown, number, Partial<TestAppOptions>][] = [
    [signed, 200, {}],
    [{ ...signed, signature: "EqQBCgIYAhIMforged" }, 400, {}],
    [signed, 400, { yaml }],
  ];
  for (const [block, status, options] of cases) {
    await using second = await setUp(script, options);
    const result = { type: "tool_result", tool_use_id: "call_1", content: "3" };
    const messages = [
      { role: "user", content: "Add." },
      { role: "assistant", content: [block, ...rest] },
      { role: "user", content: [result] },
    ];
    const response = await second.ask({ ...body, messages });
    await response.body?.cancel();
    assertEquals(response.status, status);
    const sent = second.upstream.calls.at(-1)!.body.messages.slice(1);
    assertEquals(sent[0].tool_calls[0].id, "call_1");
    assertEquals(sent[1], { role: "tool", tool_call_id: "call_1", content: "3" });
  }
});

Deno.test("a stop sequence is reported if the server finds it or the upstream reports it", async () => {
  const reported = {
    frames: [
      { choices: [{ index: 0, delta: { content: "One " } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "stop", stop_reason: "END" }] },
    ],
  };
  const cases: [Reply, unknown[]][] = [
    [{ content: ["One E", "ND two"] }, ["One ", "stop_sequence", "END"]],
    [reported, ["One ", "stop_sequence", "END"]],
    [{ content: ["One "] }, ["One ", "end_turn", null]],
  ];
  for (const [reply, expected] of cases) {
    await using setup = await setUp([reply]);
    const body = { model: "plain", stream: true, stop_sequences: ["END", "never"] };
    const { message } = parseMessageStream(await (await setup.ask(body)).text());
    const { content: [{ text }], stop_reason, stop_sequence } = message;
    assertEquals([text, stop_reason, stop_sequence], expected);
  }
});

Deno.test("Claude Code's own request is answered", async () => {
  await using setup = await setUp((call) =>
    call.body.messages.at(-1).role === "tool" ? STEPS[3]! : { toolCalls: [ADD] }
  );
  const { headers, body } = CLAUDE_CODE;
  const response = await setup.app.send("/v1/messages?beta=true", { ...body, model: "plain" }, {
    headers: { ...headers, authorization: `Bearer ${TOKEN}` },
  });
  const { message, done } = parseMessageStream(await response.text());
  assert(done);
  assertEquals([message.stop_reason, message.content.at(-1).json], ["tool_use", '{"a":1}']);
  const sent = setup.upstream.calls[0]!.body;
  assertEquals(
    sent.messages.map(({ role }: { role: string }) => role),
    ["system", "user", "assistant", "tool", "user", "system"],
  );
  assertEquals(sent.messages[0].content, "You are a coding agent.\n\nWork with care.");
  assertEquals(sent.tools.map((tool: { type: string }) => tool.type), ["function", "function"]);
  const text = JSON.stringify(sent);
  for (const word of ["cache_control", "context_management", "metadata", "billing"]) {
    assert(!text.includes(word), word);
  }
});

Deno.test("count_tokens returns the estimate of usage", async () => {
  await using setup = await setUp([{ content: "4", usage: null }]);
  const messages = [{ role: "user", content: "What is 2 + 2, and why? ".repeat(9) }];
  const count = async (body: object) => {
    const response = await setup.app.send("/v1/messages/count_tokens?beta=true", body);
    assertEquals(response.status, 200);
    return (await response.json()).input_tokens;
  };
  const plain = await count({ model: "plain", messages });
  const { usage } = await (await setup.ask({ model: "plain", messages })).json();
  assertEquals([usage.input_tokens, usage.upstream.estimated], [plain, true]);
  assert(await count({ model: "plain", messages, tools: TOOLS }) > plain);
  assert(await count({ model: "plain", messages, system: "Be brief." }) > plain);
  assertEquals(setup.upstream.calls.length, 1);
});

Deno.test("pings are sent during silence", async () => {
  const { clock, advance } = createFakeClock();
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp([{ content: "Done.", before: gate.promise }], { clock });
  const asked = setup.ask({ model: "plain", stream: true });
  await setup.upstream.called();
  await advance(1_000);
  const reader = (await asked).body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value!;
  await advance(10_000);
  text += (await reader.read()).value!;
  assertEquals(text.match(/^event: .*$/gm), ["event: message_start", "event: ping", "event: ping"]);
  gate.resolve();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  assertEquals(parseMessageStream(text).message.content[0].text, "Done.");
});

interface Failure {
  name: string;
  path?: string;
  init?: RequestInit;
  body?: Record<string, unknown>;
  reply?: Reply;
  status: number;
  type: string;
  says: string;
}

const upstreamFails = (status: number, body = '{"error":{"message":"no"}}'): Reply => ({
  status,
  body,
  headers: { "retry-after": "7" },
});

const FAILURES: Failure[] = [
  {
    name: "no token",
    init: { headers: { authorization: "" } },
    status: 401,
    type: "authentication_error",
    says: "API key",
  },
  {
    name: "a wrong token",
    init: { headers: { authorization: "", "x-api-key": "wrong-key" } },
    status: 401,
    type: "authentication_error",
    says: "Incorrect API key",
  },
  {
    name: "no max_tokens",
    body: { max_tokens: undefined },
    status: 400,
    type: "invalid_request_error",
    says: "max_tokens",
  },
  {
    name: "an unknown model",
    body: { model: "gpt-17" },
    status: 404,
    type: "not_found_error",
    says: "gpt-17",
  },
  {
    name: "an unknown path",
    path: "/v1/messages/batches",
    status: 404,
    type: "not_found_error",
    says: "Invalid URL",
  },
  {
    name: "another method",
    init: { method: "DELETE" },
    status: 405,
    type: "invalid_request_error",
    says: "DELETE",
  },
  {
    name: "a body that is too large",
    body: { metadata: "x".repeat(5_000) },
    status: 413,
    type: "request_too_large",
    says: "4000 bytes",
  },
  {
    name: "an upstream at its limit",
    reply: upstreamFails(429),
    status: 429,
    type: "rate_limit_error",
    says: "",
  },
  {
    name: "an overloaded upstream",
    reply: upstreamFails(503),
    status: 529,
    type: "overloaded_error",
    says: "",
  },
  {
    name: "an upstream that fails",
    reply: upstreamFails(500),
    status: 502,
    type: "api_error",
    says: "",
  },
  {
    name: "a prompt that is too long",
    reply: upstreamFails(
      400,
      '{"error":{"message":"maximum context length is 8 tokens","code":"context_length_exceeded"}}',
    ),
    status: 400,
    type: "invalid_request_error",
    says: "prompt is too long: ",
  },
  {
    name: "a prompt whose length is known",
    reply: upstreamFails(
      400,
      '{"error":{"message":"maximum context length is 8 tokens, but you sent 9"}}',
    ),
    status: 400,
    type: "invalid_request_error",
    says: "prompt is too long: 9 tokens > 8 maximum",
  },
  {
    name: "an upstream that rejects the key of the server",
    reply: upstreamFails(401),
    status: 424,
    type: "invalid_request_error",
    says: "The upstream rejected the server's credentials (401).",
  },
  {
    name: "an upstream whose quota is used up",
    reply: upstreamFails(402),
    status: 402,
    type: "billing_error",
    says: "The upstream's quota is used up.",
  },
];

for (const { name, path, init, body, reply, status, type, says } of FAILURES) {
  Deno.test(`${name} gets a ${type} with status ${status}`, async () => {
    const yaml = `
upstreams:
  scripted: { base_url: UPSTREAM, retry: { max_attempts: 1, base_ms: 1, max_ms: 2 } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
server: { max_body_bytes: 4000 }
`;
    await using setup = await setUp([reply ?? STEPS[3]!], { yaml });
    const response = path === undefined
      ? await setup.ask({ model: "plain", ...body }, init)
      : await setup.app.send(path, {}, init);
    const id = response.headers.get("request-id");
    const { error, ...rest } = await response.json();
    assertEquals([response.status, error.type], [status, type]);
    assertStringIncludes(error.message, says);
    assertEquals(Object.keys(error), ["type", "message"]);
    assertEquals(rest, { type: "error", request_id: id });
    assert(id !== null && id === response.headers.get("x-request-id"));
    if (status === 429 || status === 529) assertEquals(response.headers.get("retry-after"), "7");
  });
}

Deno.test("a key can use, count tokens for and list only its own models", async () => {
  const key = "ann-key-4711-4711";
  const yaml = `
keys:
  - { name: ann, sha256: ${await sha256(key)}, models: [plain] }
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  other: { strategy: direct, upstream: scripted, model: m }
  plain: { strategy: direct, upstream: scripted, model: m }
`;
  await using setup = await setUp([STEPS[3]!], { yaml });
  const headers = { authorization: "", "x-api-key": key, ...VERSION.headers };
  const list = await setup.app.send("/v1/models", undefined, { headers });
  assertEquals((await list.json()).data.map(({ id }: { id: string }) => id), ["plain"]);
  const other = await setup.app.send("/v1/models/other", undefined, { headers });
  assertEquals([other.status, (await other.json()).type], [404, "error"]);
  for (const path of ["/v1/messages", "/v1/messages/count_tokens"]) {
    const messages = [{ role: "user", content: "Hi" }];
    const ask = (model?: string) =>
      setup.app.send(path, { model, max_tokens: 9, messages }, { headers });
    const refused = await ask("other");
    assertEquals([refused.status, (await refused.json()).error.type], [404, "not_found_error"]);
    const first = await ask();
    await first.body?.cancel();
    assertEquals(first.status, 200);
  }
});

Deno.test("a server that shuts down reports it with status 503, on which balancers ask another", async () => {
  await using setup = await setUp([]);
  await setup.app.drain(0);
  const response = await setup.ask();
  assertEquals([response.status, (await response.json()).error.type], [503, "overloaded_error"]);
});

Deno.test("a stream that fails ends with one error event", async () => {
  await using setup = await setUp([{ content: ["The answ"], finish: null, end: "cut" }]);
  const text = await (await setup.ask({ model: "plain", stream: true })).text();
  const { message, done, error } = parseMessageStream(text);
  assertEquals([message.content[0].text, done], ["The answ", false]);
  // Clients do not retry this type: a retry would repeat a run that was paid for.
  assertEquals(error.type, "invalid_request_error");
});

Deno.test("Anthropic's clients get models in its format, page by page", async () => {
  await using setup = await setUp([]);
  const get = async (path: string) => (await setup.app.send(path, undefined, VERSION)).json();
  const all = await get("/v1/models");
  const ids = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);
  assertEquals(ids(all), ["o1", "plain"]);
  assertEquals([all.has_more, all.first_id, all.last_id], [false, "o1", "plain"]);
  const { type, display_name, created_at } = all.data[0];
  assertEquals([type, display_name], ["model", "o1"]);
  assertEquals(new Date(created_at).toISOString(), created_at);
  const first = await get("/v1/models?limit=1");
  assertEquals([ids(first), first.has_more], [["o1"], true]);
  const second = await get("/v1/models?limit=1&after_id=o1");
  assertEquals([ids(second), second.has_more], [["plain"], false]);
  const back = await get("/v1/models?limit=1&before_id=plain");
  assertEquals([ids(back), back.has_more], [["o1"], false]);
  assertEquals(await get("/v1/models/plain"), all.data[1]);
  const missing = await setup.app.send("/v1/models/gpt-17", undefined, VERSION);
  assertEquals([missing.status, (await missing.json()).error.type], [404, "not_found_error"]);
});
