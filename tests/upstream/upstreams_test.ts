import { assert, assertEquals } from "@std/assert";
import { createTestApp, parseStream } from "../support/app.ts";
import {
  type Call,
  isThinking,
  pieces,
  type Reply,
  startUpstream,
  step,
} from "../support/upstream.ts";

const failing = (status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: "{}",
});
const ok: Reply = { content: "ok" };

const yaml = (urls: readonly string[], extra = "") => `
upstreams:
${
  urls.map((url, i) =>
    `  u${i}:
    base_url: ${url}
    retry: { base_ms: 1, max_ms: 20 }
    breaker: { min_calls: 2, window_ms: 10000, cooldown_ms: 5000 }
${extra}`
  ).join("")
}
models:
  m: { upstream: [${urls.map((_, i) => `u${i}`).join(", ")}], model: x }
`;

for (
  const [name, first, calls] of [
    ["refuses the credentials", failing(401), 1],
    ["knows no such model", failing(404), 1],
    ["is over its limit for long", failing(429, { "retry-after": "60" }), 1],
    ["is over its limit", failing(429), 3],
    ["fails", failing(500), 3],
    ["is overloaded", failing(503), 3],
    ["answers no completion", { body: "<html>" }, 1],
  ] as const
) {
  Deno.test(`the next upstream is called when the first ${name}`, async () => {
    await using a = startUpstream([first]);
    await using b = startUpstream([ok]);
    const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url, b.url]) });
    const completion = await (await chat({})).json();
    assertEquals(completion.choices[0].message.content, "ok");
    assertEquals([a.calls.length, b.calls.length], [calls, 1]);
  });
}

Deno.test("the next upstream is called when the first can't be reached", async () => {
  await using b = startUpstream([ok]);
  const { chat } = await createTestApp({
    upstream: "",
    yaml: yaml(["http://127.0.0.1:2", b.url]),
  });
  assertEquals((await (await chat({})).json()).choices[0].message.content, "ok");
});

Deno.test("a request that the first upstream rejects as invalid is not sent to another", async () => {
  await using a = startUpstream([{ status: 400, body: '{"error":{"message":"bad image"}}' }]);
  await using b = startUpstream([ok]);
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url, b.url]) });
  const response = await chat({});
  assertEquals(response.status, 400);
  assertEquals(
    (await response.json()).error.message,
    "The upstream rejected the request: bad image",
  );
  assertEquals(b.calls.length, 0);
});

Deno.test("if every upstream fails, the client gets the first error", async () => {
  await using a = startUpstream([failing(503, { "retry-after": "Wed, 21 Oct 2099 07:28:00 GMT" })]);
  await using b = startUpstream([failing(404)]);
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url, b.url]) });
  const response = await chat({});
  assertEquals([response.status, response.headers.get("retry-after")], [
    503,
    "Wed, 21 Oct 2099 07:28:00 GMT",
  ]);
  assertEquals((await response.json()).error.code, "upstream_overloaded");
});

Deno.test("an error has the headers of the upstream that say when to retry, and no others", async () => {
  const own = { "set-cookie": "a=1", "x-own": "1" };
  const retry = { "retry-after": "60", "retry-after-ms": "60000" };
  await using a = startUpstream([failing(429, { ...own, ...retry })]);
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
  const response = await chat({});
  await response.text();
  const received = [...response.headers].filter(([name]) => name in own || name in retry);
  assertEquals(Object.fromEntries(received), retry);
});

Deno.test("an upstream that keeps failing is skipped, and probed again after a while", async () => {
  let healthy = false;
  await using a = startUpstream(() => healthy ? ok : failing(404));
  await using b = startUpstream([ok]);
  let now = 0;
  const clock = { now: () => now, date: () => now, timer: () => () => {} };
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url, b.url]), clock });
  const ask = async () => {
    await (await chat({})).text();
    return [a.calls.length, b.calls.length];
  };
  assertEquals(await ask(), [1, 1]);
  assertEquals(await ask(), [2, 2]);
  assertEquals(await ask(), [2, 3]);
  now = 5001;
  assertEquals(await ask(), [3, 4]);
  assertEquals(await ask(), [3, 5]);
  now = 10_100;
  healthy = true;
  assertEquals(await ask(), [4, 5]);
  assertEquals(await ask(), [5, 5]);
});

Deno.test("if every upstream is skipped, the first one is called anyway", async () => {
  await using a = startUpstream([failing(404), failing(404), ok]);
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
  for (let i = 0; i < 2; i++) await (await chat({})).text();
  assertEquals((await (await chat({})).json()).choices[0].message.content, "ok");
});

Deno.test("if every key is rejected, the error blames the server, not the client", async () => {
  await using a = startUpstream([failing(401)]);
  const { chat } = await createTestApp({
    upstream: "",
    yaml: yaml([a.url], "    api_key: [k1, k2]\n"),
  });
  const response = await chat({});
  assertEquals(response.status, 424);
  assertEquals((await response.json()).error.code, "upstream_auth_error");
  assertEquals(a.calls.length, 2);
});

Deno.test("at most max_concurrency calls run at once, and a cancelled call leaves the queue", async () => {
  const gate = Promise.withResolvers<void>();
  let maxOpen = 0;
  await using a = startUpstream(() => {
    maxOpen = Math.max(maxOpen, a.open);
    return { ...ok, before: gate.promise };
  });
  const { chat, send } = await createTestApp({
    upstream: "",
    yaml: yaml([a.url], "    max_concurrency: 2\n"),
  });
  const answers = [chat({}), chat({}), chat({}), chat({})];
  await a.called(2);
  const left = new AbortController();
  const cancelled = chat({}, { signal: left.signal });
  // Another response shows that the server has processed it.
  await (await send("/v1/models")).text();
  left.abort();
  await cancelled;
  gate.resolve();
  for (const answer of answers) assertEquals((await answer).status, 200);
  assertEquals([maxOpen, a.calls.length], [2, 4]);
});

Deno.test("retries are limited over all calls of a request", async () => {
  await using a = startUpstream((call) =>
    call.index % 2 === 0
      ? failing(500)
      : { content: isThinking(call) ? step(`T${call.index}`, `C${call.index}`) : "ok" }
  );
  const { chat } = await createTestApp({
    upstream: "",
    yaml: `server: { max_retries: 2 }\n${yaml([a.url])}`,
  });
  const response = await chat({ reasoning: { strategy: "steps" } });
  assertEquals(response.status, 502);
  assertEquals(a.calls.length, 5);
  await response.body?.cancel();
});

for (
  const [name, message, has, lacks] of [
    ["stream_options", "Unknown field: stream_options", "stream_options", undefined],
    [
      "max_tokens",
      "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
      "max_tokens",
      "max_completion_tokens",
    ],
  ] as const
) {
  Deno.test(`an upstream that rejects ${name} is called without it from then on`, async () => {
    await using a = startUpstream((call) =>
      call.body[has] === undefined
        ? ok
        : { status: 400, body: JSON.stringify({ error: { message } }) }
    );
    const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
    for (let i = 0; i < 2; i++) {
      const stream = parseStream(await (await chat({ stream: true, max_tokens: 50 })).text());
      assertEquals(stream.content, "ok");
    }
    assertEquals(a.calls.map((call) => has in call.body), [true, false, false]);
    if (lacks !== undefined) assertEquals(a.calls[2]!.body[lacks], 50);
  });
}

Deno.test("an upstream that accepts one system message gets all of them merged", async () => {
  await using a = startUpstream((call) =>
    call.body.messages.filter((message: { role: string }) => message.role === "system").length > 1
      ? { status: 400, body: '{"error":"Only one system message is allowed, at the beginning"}' }
      : { content: isThinking(call) ? step("T", "C", "final_answer") : "ok" }
  );
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
  const messages = [{ role: "system", content: "Be kind." }, { role: "user", content: "Hi" }];
  const completion =
    await (await chat({ messages, reasoning: { strategy: "steps", min_steps: 1 } })).json();
  assertEquals(completion.choices[0].message.content, "ok");
  assertEquals(a.calls.length, 3);
  const [system, user] = a.calls[1]!.body.messages;
  assert(system.content.includes("next_action") && system.content.endsWith("Be kind."));
  assertEquals(user, messages[1]);
});

Deno.test("reasoning is sent back with tool calls only to an upstream that requires it", async () => {
  const wants = (call: Call): Reply => {
    const turn = call.body.messages.find((message: { tool_calls?: unknown }) => message.tool_calls);
    if (turn === undefined) {
      return { reasoning: "I need f.", toolCalls: [{ id: "c1", name: "f", arguments: "{}" }] };
    }
    if (turn.reasoning_content === "I need f.") return ok;
    return {
      status: 400,
      body:
        '{"error":{"message":"The reasoning_content in the thinking mode must be passed back to the API."}}',
    };
  };
  const tools = [{ type: "function", function: { name: "f" } }];
  const user = { role: "user", content: "Hi" };
  const turn = {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
  };
  const result = { role: "tool", tool_call_id: "c1", content: "1" };
  await using a = startUpstream(wants);
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
  await (await chat({ messages: [user], tools })).text();
  for (let i = 0; i < 2; i++) {
    const completion = await (await chat({ messages: [user, turn, result], tools })).json();
    assertEquals(completion.choices[0].message.content, "ok");
  }
  assertEquals(a.calls.length, 4);

  await using b = startUpstream([{
    reasoning: "r",
    toolCalls: turn.tool_calls.map(() => ({ id: "c1", name: "f", arguments: "{}" })),
  }, ok]);
  const other = await createTestApp({ upstream: "", yaml: yaml([b.url]) });
  await (await other.chat({ messages: [user], tools })).text();
  await (await other.chat({
    messages: [user, { ...turn, reasoning_content: "mine" }, result],
    tools,
  })).text();
  assertEquals(b.calls[1]!.body.messages, [user, turn, result]);
});

Deno.test("a thinking call that breaks mid-step is repaired: each character once and a complete answer", async () => {
  const cut = '{"title":"First","content":"Half a thou';
  await using a = startUpstream((call) => {
    if (call.index === 0) return { content: pieces(cut), end: "cut", finish: null };
    return {
      content: pieces(isThinking(call) ? step("Second", "A whole thought.", "final_answer") : "ok"),
    };
  });
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]) });
  const stream = parseStream(
    await (await chat({ stream: true, reasoning: { strategy: "steps", min_steps: 2 } })).text(),
  );
  assert(stream.done);
  assertEquals(stream.content, "ok");
  assert(
    stream.reasoning.startsWith("**First**\n\nHalf a thou\n\n**Second**\n\nA whole thought.\n\n"),
  );
  assertEquals(a.calls[1]!.body.messages.at(-2).role, "assistant");
  assert(a.calls[1]!.body.messages.at(-1).content.includes("cut off"));
});
