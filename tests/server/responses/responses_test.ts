import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Event, joined, parseEvents, readEvents } from "../../support/parsers/responses.ts";
import { type Call, pieces, type Reply, startUpstream, step } from "../../support/upstream.ts";

const STEPS: Reply[] = [
  { content: pieces(step("Understand", "Add two and two.")) },
  { content: pieces(step("Compute", "2 + 2 = 4.")) },
  { content: pieces(step("Check", "Counting on: 3, 4.", "final_answer")) },
  { content: pieces("The answer is 4.") },
];
const CALL: Reply = {
  reasoning: ["I have ", "to add."],
  toolCalls: [{ id: "call_1", name: "add", arguments: ['{"a":2,', '"b":2}'] }],
};
const TOOL = { type: "function", name: "add", parameters: { type: "object" } };
const RESULT = { type: "function_call_output", call_id: "call_1", output: "4" };

/** Like DeepSeek, this upstream rejects a tool result without the thinking before its call. */
function thinkingUpstream({ body }: Call): Reply {
  const call = body.messages.find(({ tool_calls }: Event) => tool_calls);
  if (call === undefined) return CALL;
  if (call.reasoning_content !== undefined) return { content: "4" };
  const error = { message: "The `reasoning_content` in the thinking mode must be passed back." };
  return { status: 400, body: JSON.stringify({ error }) };
}

const json = async (response: Promise<Response> | Response): Promise<Event> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};

const failure = async (response: Promise<Response> | Response) => {
  const { status } = await response;
  const { error } = await (await response).json();
  return { status, ...error };
};

const stream = async (response: Promise<Response> | Response): Promise<Event[]> => {
  assertEquals((await response).headers.get("content-type"), "text/event-stream; charset=utf-8");
  return parseEvents(await (await response).text());
};

const newStore = () => createMemoryStore({ now: Date.now });

/** A store whose writes fail. */
function withoutWrites(store: Store): Store {
  return { ...store, write: () => Promise.reject(new Error("disk full")) };
}

for (const streamed of [false, true]) {
  Deno.test(`steps become summary parts, followed by the answer, stream: ${streamed}`, async () => {
    await using upstream = startUpstream(STEPS);
    const app = await createTestApp({ upstream: upstream.url });
    const answer = app.respond({ model: "o1", stream: streamed });
    const response = streamed ? (await stream(answer)).at(-1).response : await json(answer);
    assertEquals(response.status, "completed");
    const [reasoning, message] = response.output;
    assertEquals(reasoning.summary.map(({ text }: Event) => text), [
      "**Understand**\n\nAdd two and two.",
      "\n\n**Compute**\n\n2 + 2 = 4.",
      "\n\n**Check**\n\nCounting on: 3, 4.",
    ]);
    assertEquals(message.content[0].text, "The answer is 4.");
    assertMatch(response.id, /^resp_[0-9a-f]{48}$/);
    assertEquals(response.usage.input_tokens, 10);
    assertEquals(response.usage.output_tokens, 20);
    assertEquals(response.usage.upstream.calls, 4);
    assertEquals(await json(app.send(`/v1/responses/${response.id}`)), response);
  });
}

Deno.test("previous responses are sent upstream in order, without their instructions", async () => {
  await using upstream = startUpstream([{ content: "one" }, { content: "two" }, {
    content: "three",
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const ask = (input: string, more = {}) => json(app.respond({ model: "plain", input, ...more }));
  const first = await ask("a", { instructions: "Be brief." });
  const second = await ask("b", { previous_response_id: first.id, instructions: "Be long." });
  const third = await ask("c", { previous_response_id: second.id });
  assertEquals(third.previous_response_id, second.id);
  assertEquals(
    upstream.calls.map(({ body }) => body.messages.map(({ content }: Event) => content)),
    [
      ["Be brief.", "a"],
      ["Be long.", "a", "one", "b"],
      ["a", "one", "b", "two", "c"],
    ],
  );
  const items = await json(app.send(`/v1/responses/${third.id}/input_items?order=asc`));
  assertEquals(items.data.map(({ content }: Event) => content[0].text), [
    "a",
    "one",
    "b",
    "two",
    "c",
  ]);
  assertEquals(
    (await json(app.respond({ model: "plain", previous_response_id: second.id, input: null })))
      .status,
    "completed",
  );
});

Deno.test("a response can be continued several times, unless an ancestor is missing", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const ask = (previous?: string) =>
    app.respond({ model: "plain", previous_response_id: previous });
  const first = await json(ask());
  const middle = await json(ask(first.id));
  const last = await json(ask(middle.id));
  await json(ask(middle.id));
  assertEquals(
    await json(app.send(`/v1/responses/${middle.id}`, undefined, { method: "DELETE" })),
    { id: middle.id, object: "response", deleted: true },
  );
  const gone = await failure(app.send(`/v1/responses/${middle.id}`));
  assertEquals([gone.status, gone.type, gone.message], [
    404,
    "invalid_request_error",
    `Response with id '${middle.id}' not found.`,
  ]);
  for (const id of [last.id, middle.id, "resp_x", `resp_${"0".repeat(48)}`]) {
    const error = await failure(ask(id));
    assertEquals([error.status, error.code, error.param], [
      404,
      "previous_response_not_found",
      "previous_response_id",
    ]);
  }
  assertEquals((await json(app.send(`/v1/responses/${last.id}`))).id, last.id);
  assertEquals((await json(app.send(`/v1/responses/${last.id}/input_items`))).data.length, 1);
  assertEquals((await json(ask(first.id))).status, "completed");
});

Deno.test("unknown references to thinking are ignored, others are not found", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const ask = (id: string) =>
    app.respond({
      model: "plain",
      input: [{ role: "user", content: "Hi" }, { type: "item_reference", id }],
    });
  assertEquals((await json(ask("rs_1"))).status, "completed");
  const error = await failure(ask("msg_1"));
  assertEquals([error.status, error.message, error.param], [
    404,
    "Item with id 'msg_1' not found.",
    "input",
  ]);
});

/** Ways in which a request with a tool result refers to the previous turn. */
const TURNS: Record<string, (first: Event) => Record<string, unknown>> = {
  "previous_response_id": (first) => ({ previous_response_id: first.id, input: [RESULT] }),
  "references to items": ({ output: [rs, call] }) => ({
    input: [
      { role: "user", content: "What is 2 + 2?" },
      { type: "item_reference", id: rs.id },
      { type: "item_reference", id: call.id },
      RESULT,
    ],
  }),
  "a reference to the thinking and the call itself": ({ output: [rs, call] }) => ({
    input: [
      { role: "user", content: "What is 2 + 2?" },
      { type: "item_reference", id: rs.id },
      { type: "function_call", call_id: call.call_id, name: call.name, arguments: call.arguments },
      RESULT,
    ],
  }),
  "the thinking itself and a reference to the call": ({ output: [rs, call] }) => ({
    input: [
      { role: "user", content: "What is 2 + 2?" },
      rs,
      { type: "item_reference", id: call.id },
      RESULT,
    ],
  }),
  "the items themselves": ({ output }) => ({
    input: [{ role: "user", content: "What is 2 + 2?" }, ...output, RESULT],
  }),
};

for (const [name, turn] of Object.entries(TURNS)) {
  Deno.test(`private thinking is sent back with a tool result by ${name}`, async () => {
    await using upstream = startUpstream(thinkingUpstream);
    const store = newStore();
    const first = await json(
      (await createTestApp({ upstream: upstream.url, store })).respond({
        model: "plain",
        tools: [TOOL],
      }),
    );
    assertEquals(first.output.map(({ type }: Event) => type), ["reasoning", "function_call"]);
    // A new server, whose upstream client has not seen the thinking.
    const other = await createTestApp({ upstream: upstream.url, store });
    await json(other.respond({ model: "plain", tools: [TOOL], ...turn(first) }));
    const [, call, result] = upstream.calls.at(-1)!.body.messages;
    assertEquals([call.role, call.reasoning_content], ["assistant", "I have to add."]);
    assertEquals(call.tool_calls[0].function, { name: "add", arguments: '{"a":2,"b":2}' });
    assertEquals([result.role, result.tool_call_id, result.content], ["tool", "call_1", "4"]);
  });
}

Deno.test("sealed thinking is opened by another server without a store, unless it is forged", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const newApp = () => createTestApp({ upstream: upstream.url });
  const first = await json((await newApp()).respond({
    model: "plain",
    tools: [TOOL],
    store: false,
    include: ["reasoning.encrypted_content"],
  }));
  const [{ summary, encrypted_content }, call] = first.output;
  assertNotEquals(encrypted_content, undefined);
  const turn = async (blob: unknown) => {
    const rs = { type: "reasoning", id: "rs_1", summary, encrypted_content: blob };
    const input = [{ role: "user", content: "What is 2 + 2?" }, rs, call, RESULT];
    const again = await newApp();
    const { status } = await again.respond({ model: "plain", store: false, input, tools: [TOOL] });
    return [status, upstream.calls.at(-1)!.body.messages[1].reasoning_content];
  };
  assertEquals(await turn(encrypted_content), [200, "I have to add."]);
  const swapped = encrypted_content.at(-5) === "A" ? "B" : "A";
  for (
    const forged of [
      encrypted_content.slice(0, -5) + swapped + encrypted_content.slice(-4),
      encrypted_content.slice(0, 40),
      "o1b.",
      "gAAAAAB-from-elsewhere",
      "",
      null,
    ]
  ) assertEquals(await turn(forged), [400, undefined]);
});

Deno.test("sealed thinking can be requested with a stored response", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const app = await createTestApp({ upstream: upstream.url });
  const { id, output } = await json(app.respond({ model: "plain", tools: [TOOL] }));
  assertEquals(output[0].encrypted_content, undefined);
  const path = `/v1/responses/${id}?include[]=reasoning.encrypted_content`;
  const [rs, call] = (await json(app.send(path))).output;
  const other = await createTestApp({ upstream: upstream.url });
  const input = [{ role: "user", content: "Hi" }, { ...rs, id: "rs_1" }, call, RESULT];
  await json(other.respond({ model: "plain", input }));
  assertEquals(upstream.calls.at(-1)!.body.messages[1].reasoning_content, "I have to add.");
});

Deno.test("a response with store: false is not stored", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const store = newStore();
  let writes = 0;
  const app = await createTestApp({
    upstream: upstream.url,
    store: { ...store, write: (changes) => (writes++, store.write(changes)) },
  });
  const whole = await json(app.respond({ model: "plain", store: false }));
  const streamed = (await stream(app.respond({ model: "plain", store: false, stream: true })))
    .at(-1).response;
  assertEquals([whole.store, streamed.store, writes], [false, false, 0]);
  for (const { id, output } of [whole, streamed]) {
    assertEquals((await failure(app.send(`/v1/responses/${id}`))).status, 404);
    assertEquals((await failure(app.respond({ previous_response_id: id }))).status, 404);
    const reference = { type: "item_reference", id: output[0].id };
    assertEquals((await failure(app.respond({ input: [reference] }))).status, 404);
  }
});

Deno.test("if the store fails, the client gets its answer, marked as not stored", async () => {
  await using upstream = startUpstream([{ reasoning: "hm", content: pieces("The answer.") }]);
  const lines: string[] = [];
  const store = withoutWrites(newStore());
  const app = await createTestApp({ upstream: upstream.url, store, lines });
  const whole = await json(app.respond({ model: "plain" }));
  const events = await stream(app.respond({ model: "plain", stream: true }));
  assertEquals(joined(events, "output_text"), "The answer.");
  const last = events.at(-1);
  assertEquals(last.type, "response.completed");
  for (const { status, store, output } of [whole, last.response]) {
    assertEquals([status, store], ["completed", false]);
    assertEquals(output[1].content[0].text, "The answer.");
  }
  const logged = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === "error");
  assertEquals(logged.length, 2);
  assert(!logged.some(({ cause }) => /disk full|The answer/.test(cause)), JSON.stringify(logged));
  assertEquals((await json(app.respond({ model: "plain", store: false }))).status, "completed");
  assertEquals((await failure(app.respond({ model: "plain", background: true }))).status, 500);
});

Deno.test("a client that disconnects aborts the upstream call, and nothing is stored", async () => {
  await using upstream = startUpstream([{ content: ["The "], end: "stall" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const reader = readEvents(await app.respond({ model: "plain", stream: true }));
  const [{ response }] = await reader.until("output_text.delta");
  await reader.cancel();
  await upstream.calls[0]!.left;
  assertEquals(upstream.open, 0);
  assertEquals((await failure(app.send(`/v1/responses/${response.id}`))).status, 404);
});

Deno.test("an upstream failure before the response keeps its status, streamed or not", async () => {
  for (
    const [status, seen, code] of [
      [429, 429, "rate_limit_exceeded"],
      [
        400,
        400,
        "upstream_rejected",
      ],
      [401, 400, "upstream_auth_error"],
      [402, 429, "insufficient_quota"],
    ] as const
  ) {
    await using upstream = startUpstream([{ status, body: '{"error":{"message":"no"}}' }]);
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
upstreams: { u: { base_url: UPSTREAM, retry: { max_attempts: 1 } } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
    });
    for (const streamed of [false, true]) {
      const error = await failure(app.respond({ model: "plain", stream: streamed }));
      assertEquals([error.status, error.code], [seen, code]);
    }
  }
});

Deno.test("an upstream failure during the stream ends it with an error, and is stored", async () => {
  await using upstream = startUpstream([{ content: ["The "], finish: null, end: "cut" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const events = await stream(app.respond({ model: "plain", stream: true }));
  const [error, { response }] = events.slice(-2);
  assertEquals([error.type, error.error.type], ["error", "invalid_request_error"]);
  assertEquals([response.status, response.error.code], ["failed", "server_error"]);
  assertEquals([response.output[0].status, response.output[0].content[0].text], [
    "incomplete",
    "The ",
  ]);
  assertEquals(await json(app.send(`/v1/responses/${response.id}`)), response);
  const again = await stream(app.send(`/v1/responses/${response.id}?stream=true`));
  assertEquals(again.at(-1).response, response);
  assertEquals(again.at(-2).type, "error");
});

Deno.test("truncated and filtered answers and refusals use the terms of the dialect", async () => {
  const replies: Reply[] = [
    { content: "The", finish: "length" },
    { content: "The", finish: "content_filter" },
    {
      frames: [{ choices: [{ index: 0, delta: { refusal: "I can't." }, finish_reason: "stop" }] }],
    },
  ];
  const seen: unknown[] = [];
  for (const reply of replies) {
    await using upstream = startUpstream([reply]);
    const app = await createTestApp({ upstream: upstream.url });
    const { response } = (await stream(app.respond({ model: "plain", stream: true }))).at(-1);
    const [{ status, content }] = response.output;
    seen.push([response.status, response.incomplete_details, status, content[0]]);
    const again = await stream(app.send(`/v1/responses/${response.id}?stream=true`));
    assertEquals(again.at(-1).response, response);
  }
  const text = { type: "output_text", annotations: [], logprobs: [], text: "The" };
  assertEquals(seen, [
    ["incomplete", { reason: "max_output_tokens" }, "incomplete", text],
    ["incomplete", { reason: "content_filter" }, "incomplete", text],
    ["completed", null, "completed", { type: "refusal", refusal: "I can't." }],
  ]);
});

Deno.test("parallel calls are separate items after the text", async () => {
  const calls = [
    { id: "call_1", name: "add", arguments: ['{"a"', ":1}"] },
    { id: "call_2", name: "sub", arguments: "{}" },
  ];
  await using upstream = startUpstream([{ content: "Let me see.", toolCalls: calls }]);
  const app = await createTestApp({ upstream: upstream.url });
  const body = { model: "plain", tools: [TOOL, { ...TOOL, name: "sub" }] };
  const { response } = (await stream(app.respond({ ...body, stream: true }))).at(-1);
  const whole = await json(app.respond(body));
  for (const { output } of [response, whole]) {
    assertEquals(
      output.map((item: Event) => [item.type, item.call_id, item.name, item.arguments]),
      [
        ["message", undefined, undefined, undefined],
        ["function_call", "call_1", "add", '{"a":1}'],
        ["function_call", "call_2", "sub", "{}"],
      ],
    );
  }
  assertEquals(upstream.calls[0]!.body.tools.map((tool: Event) => tool.function.name), [
    "add",
    "sub",
  ]);
});

Deno.test("a structured answer is repaired until it matches the schema", async () => {
  await using upstream = startUpstream([{ content: "four" }, { content: '{"answer":4}' }]);
  const app = await createTestApp({ upstream: upstream.url });
  const schema = {
    type: "object",
    properties: { answer: { type: "number" } },
    required: ["answer"],
    additionalProperties: false,
  };
  const format = { type: "json_schema", name: "result", schema, strict: true };
  const response = await json(app.respond({ model: "plain", text: { format } }));
  assertEquals(response.output.at(-1).content[0].text, '{"answer":4}');
  assertEquals(response.text.format, format);
  assertEquals(upstream.calls[0]!.body.response_format.json_schema.schema, schema);
});

const HIDDEN = `
upstreams: { u: { base_url: UPSTREAM } }
models:
  hidden: { upstream: u, model: x, strategy: direct, format: hidden }
  loud: { upstream: u, model: x, strategy: vote, options: { max_samples: 2 } }
`;

Deno.test("hidden thinking is shown if a summary is requested, and replayed unchanged", async () => {
  await using upstream = startUpstream([{ reasoning: "hm", content: "4" }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: HIDDEN });
  for (const [summary, shown] of [[undefined, []], [null, []], ["auto", ["hm"]]] as const) {
    const response = await json(app.respond({ model: "hidden", reasoning: { summary } }));
    assertEquals(response.output[0].summary.map(({ text }: Event) => text), shown);
    assertEquals(response.reasoning.summary, summary ?? null);
    const again = await stream(app.send(`/v1/responses/${response.id}?stream=true`));
    assertEquals(again.at(-1).response, response);
  }
});

Deno.test("status lines are part of the summary if they are enabled", async () => {
  await using upstream = startUpstream([{ content: "The answer is 4." }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: HIDDEN });
  const { output } = await json(app.respond({ model: "loud" }));
  const text = output[0].summary.map(({ text }: Event) => text).join("\n");
  assertMatch(text, /4/);
  assertEquals(output.at(-1).content[0].text.includes("4"), true);
});

Deno.test("a stored response can be streamed again from any event", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const { id, ...response } = await json(app.respond({ model: "o1" }));
  const again = await stream(app.send(`/v1/responses/${id}?stream=true`));
  assertEquals(again.at(-1).response, { id, ...response });
  const tail = await stream(app.send(`/v1/responses/${id}?stream=true&starting_after=9`));
  assertEquals(tail, again.slice(10));
  const nothing = await stream(app.send(`/v1/responses/${id}?stream=true&starting_after=999`));
  assertEquals(nothing, []);
  for (const wrong of ["x", "-2", "1.5"]) {
    const error = await failure(
      app.send(`/v1/responses/${id}?stream=true&starting_after=${wrong}`),
    );
    assertEquals([error.status, error.param], [400, "starting_after"]);
  }
});

Deno.test("a HEAD request of a stream leaves no work running", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.respond({ model: "plain" }));
  const path = `/v1/responses/${id}?stream=true`;
  const response = await app.send(path, undefined, { method: "HEAD" });
  assertEquals([response.status, response.body], [200, null]);
  // Returns at once if nothing is running.
  await app.drain(600_000);
});

Deno.test("input items are listed in pages", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const input = ["a", "b", "c", "d", "e"].map((content) => ({ role: "user", content }));
  const { id } = await json(app.respond({ model: "plain", input }));
  const path = `/v1/responses/${id}/input_items`;
  const list = async (query: string) => await json(app.send(`${path}?${query}`));
  const texts = ({ data }: Event) => data.map((item: Event) => item.content[0].text).join("");
  const first = await list("order=asc&limit=2");
  assertEquals([texts(first), first.has_more], ["ab", true]);
  assertEquals([first.first_id, first.last_id], [first.data[0].id, first.data[1].id]);
  const second = await list(`order=asc&limit=3&after=${first.last_id}`);
  assertEquals([texts(second), second.has_more], ["cde", false]);
  const end = await list(`order=asc&after=${second.last_id}`);
  assertEquals([end.data, end.has_more, end.first_id], [[], false, null]);
  assertEquals(texts(await list("")), "edcba");
  assertEquals(texts(await list(`limit=2&after=${second.last_id}`)), "dc");
  for (
    const [query, param] of [["limit=0", "limit"], ["limit=101", "limit"], ["limit=x", "limit"], [
      "order=up",
      "order",
    ]]
  ) {
    const error = await failure(app.send(`${path}?${query}`));
    assertEquals([error.status, error.param], [400, param]);
  }
  assertEquals((await failure(app.send(`${path}?after=msg_7`))).status, 404);
  assertEquals((await failure(app.send("/v1/responses/resp_7/input_items"))).status, 404);
});

Deno.test("stored responses expire", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const fake = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    clock: fake.clock,
    yaml: `
store_ttl_days: 1
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
  });
  const { id } = await json(app.respond({ model: "plain" }));
  await fake.advance(86_399_999);
  assertEquals((await json(app.send(`/v1/responses/${id}`))).id, id);
  await fake.advance(1);
  assertEquals((await failure(app.send(`/v1/responses/${id}`))).status, 404);
  assertEquals((await failure(app.respond({ previous_response_id: id }))).status, 404);
});

Deno.test("a long JSON response is kept alive by spaces, and a late failure becomes a failed response", async () => {
  const fake = createFakeClock();
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream((call) => {
    if (call.index === 0) return { content: "4", before: gate.promise };
    return { status: 400, body: '{"error":{"message":"no"}}', before: gate.promise };
  });
  const app = await createTestApp({
    upstream: upstream.url,
    clock: fake.clock,
    yaml: `
server: { json_heartbeat: true, heartbeat_ms: 1000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
  });
  const asked = [app.respond({ model: "plain" }), app.respond({ model: "plain" })];
  await upstream.called(2);
  await fake.advance(1000);
  const [well, badly] = await Promise.all(asked);
  gate.resolve();
  const texts = [await well!.text(), await badly!.text()].sort((a, b) => a.length - b.length);
  const responses = texts.map((text) => {
    assert(text.startsWith(" "));
    return JSON.parse(text);
  });
  assertEquals(responses.map(({ status }) => status).sort(), ["completed", "failed"]);
  for (const response of responses) {
    assertEquals(await json(app.send(`/v1/responses/${response.id}`)), response);
  }
});

Deno.test("input tokens are estimated", async () => {
  await using upstream = startUpstream([{ content: "x".repeat(400) }]);
  const app = await createTestApp({ upstream: upstream.url });
  const count = async (body: object) => {
    const answer = await json(app.send("/v1/responses/input_tokens", { model: "plain", ...body }));
    return answer.input_tokens;
  };
  assertEquals(await count({ input: "x".repeat(400) }), 104);
  assertEquals(await count({ input: "x".repeat(400), instructions: "y".repeat(40) }), 118);
  assert(await count({ input: "Hi", tools: [TOOL] }) > await count({ input: "Hi" }) + 10);
  assertEquals(upstream.calls.length, 0);
  const { id } = await json(app.respond({ model: "plain", input: "Hi" }));
  assert(await count({ previous_response_id: id, input: "Hi" }) > 100);
  for (const [body, status] of [[{}, 400], [{ input: "Hi", model: "gpt-17" }, 404]] as const) {
    assertEquals((await failure(app.send("/v1/responses/input_tokens", body))).status, status);
  }
});

Deno.test("invalid requests are rejected before any work is done", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const faults: [object, number, string | null, string | null][] = [
    [{ model: "gpt-17" }, 404, "model_not_found", null],
    [{ input: 7 }, 400, "invalid_type", "input"],
    [{ reasoning: { strategy: "magic" } }, 400, "invalid_value", "reasoning.strategy"],
    [
      { background: true, reasoning: { strategy: "magic" } },
      400,
      "invalid_value",
      "reasoning.strategy",
    ],
    [{ conversation: "conv_7" }, 404, null, null],
    [{ tools: [{ type: "mcp" }], tool_choice: "required" }, 400, "invalid_value", "tools"],
  ];
  for (const streamed of [false, true]) {
    for (const [body, status, code, param] of faults) {
      const error = await failure(app.respond({ ...body, stream: streamed }));
      assertEquals([error.status, error.code, error.param], [status, code, param]);
    }
  }
  assertEquals(upstream.calls.length, 0);
  assertEquals((await json(app.respond({ store: false }))).model, "o1");
});

for (
  const [tool, name, json] of [
    [{ type: "custom", name: "patch" }, "patch", '{"input":"a"}'],
    [{ type: "tool_search", execution: "client" }, "tool_search", '{"query":"a"}'],
    [{ type: "namespace", name: "files", description: "", tools: [TOOL] }, "files__add", "{}"],
  ] as const
) {
  Deno.test(`a stored stream with a call ends like the first one: ${tool.type}`, async () => {
    await using upstream = startUpstream([{ toolCalls: [{ id: "c", name, arguments: [json] }] }]);
    const app = await createTestApp({ upstream: upstream.url });
    const body = { model: "plain", stream: true, tools: [tool], input: "Call it." };
    const last = (await stream(app.respond(body))).at(-1);
    assertEquals(last.type, "response.completed");
    const again = await stream(app.send(`/v1/responses/${last.response.id}?stream=true`));
    assertEquals(again.at(-1), last);
  });
}

Deno.test("a loop with a custom tool: its call, its result with the thinking, and the stored stream", async () => {
  const lines: string[] = [];
  await using upstream = startUpstream((call) => {
    const reply = thinkingUpstream(call);
    if (reply !== CALL) return reply;
    const toolCalls = [{ id: "call_1", name: "patch", arguments: ['{"input":"*** a', '\\n"}'] }];
    return { ...CALL, toolCalls };
  });
  const app = await createTestApp({ upstream: upstream.url, lines });
  const tools = [{ type: "custom", name: "patch" }, { type: "web_search" }];
  const streamed = { model: "plain", stream: true, background: true, tools };
  const [first] = (await stream(app.respond({ ...streamed, input: "Edit." }))).slice(-1);
  const { id, output } = first.response;
  assertEquals([output[1].type, output[1].input], ["custom_tool_call", "*** a\n"]);
  assertEquals((await stream(app.send(`/v1/responses/${id}?stream=true`))).at(-1), first);
  const input = [...output, { type: "custom_tool_call_output", call_id: "call_1", output: "ok" }];
  const second = await json(app.respond({ model: "plain", tools, input }));
  assertEquals(second.output.at(-1).content[0].text, "4");
  const { left_out } = JSON.parse(lines.find((line) => line.includes("left_out"))!);
  assertEquals(left_out, "web_search");
});

Deno.test("the mode pro runs the strategy that the configuration names for it", async () => {
  await using upstream = startUpstream([{ content: "It is 4.\nFINAL: 4" }]);
  const yaml = (routing: string) => `
upstreams: { scripted: { base_url: UPSTREAM } }
models: { plain: { strategy: direct, upstream: scripted, model: scripted-model } }
${routing}`;
  for (
    const [routing, mode, calls] of [
      ["", undefined, 1],
      ["", "standard", 1],
      ["", "pro", 2],
      ["routing: { pro: vote }", "pro", 4],
    ] as const
  ) {
    upstream.calls.length = 0;
    const app = await createTestApp({ upstream: upstream.url, yaml: yaml(routing) });
    const { reasoning } = await json(
      app.respond({ input: "2 + 2?", reasoning: { mode, context: "all_turns" } }),
    );
    assertEquals(upstream.calls.length, calls);
    assertEquals([reasoning.mode, reasoning.context], [mode ?? "standard", "current_turn"]);
  }
});
