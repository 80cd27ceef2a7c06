import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTestApp, parseStream, readStream, TOKEN } from "../../support/app.ts";
import { pieces, startUpstream, step } from "../../support/upstream.ts";

const STEPS = [
  { content: pieces(step("Understand", "Add two and two.")) },
  { content: pieces(step("Compute", "2 + 2 = 4.")) },
  { content: pieces(step("Check", "Counting on: 3, 4.", "final_answer")) },
  { content: pieces("The answer is 4.") },
];

const REASONING =
  "**Understand**\n\nAdd two and two.\n\n**Compute**\n\n2 + 2 = 4.\n\n**Check**\n\nCounting on: 3, 4.\n\n";

Deno.test("steps streams titled steps as reasoning, then the answer", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.chat({ stream: true });
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/event-stream; charset=utf-8",
  );
  const stream = parseStream(await response.text());
  assertEquals(stream.reasoning, REASONING);
  assertEquals(stream.content, "The answer is 4.");
  assert(stream.done);
  assertEquals(stream.chunks[0].choices[0].delta, {
    role: "assistant",
    content: "",
    refusal: null,
  });
  assertEquals(stream.chunks.at(-1).choices[0].finish_reason, "stop");
  assertEquals(stream.chunks.at(-1).choices[0].delta, {});
  for (const chunk of stream.chunks) {
    const { delta } = chunk.choices[0];
    assert(!("usage" in chunk));
    assertEquals(chunk.id, stream.chunks[0].id);
    assertEquals(delta.reasoning, delta.reasoning_content);
    assert(!("reasoning" in delta && "content" in delta));
  }
});

Deno.test("steps answers without streaming, with the fields of the original", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.chat({});
  assertEquals(response.headers.get("content-type"), "application/json");
  const completion = await response.json();
  const [choice] = completion.choices;
  assertEquals(choice.message.content, "The answer is 4.");
  assertEquals(choice.message.reasoning_content, REASONING);
  assertEquals(choice.message.reasoning, REASONING);
  assertEquals(choice.finish_reason, "stop");
  assertEquals(completion.object, "chat.completion");
  assertEquals(completion.model, "o1");
  assertMatch(completion.id, /^chatcmpl-\w{29}$/);
  assertEquals(
    completion.steps.map(([title, content]: string[]) => [title, content]),
    [["Understand", "Add two and two."], ["Compute", "2 + 2 = 4."], [
      "Check",
      "Counting on: 3, 4.",
    ]],
  );
  assertEquals(typeof completion.total_thinking_time, "number");
  assertEquals(completion.usage.prompt_tokens, 10);
  assertEquals(completion.usage.completion_tokens, 20);
  assertEquals(completion.usage.total_tokens, 30);
  assertEquals(completion.usage.completion_tokens_details.reasoning_tokens, 15);
  assertEquals(completion.usage.upstream, {
    calls: 4,
    prompt_tokens: 40,
    cached_tokens: 0,
    completion_tokens: 20,
    estimated: false,
  });
});

Deno.test("the upstream streams exactly when the client streams", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  await (await app.chat({ stream: false })).text();
  assert(upstream.calls.every((call) => call.body.stream === undefined));
  const before = upstream.calls.length;
  await (await app.chat({ stream: true })).text();
  assert(
    upstream.calls.slice(before).every((call) => call.body.stream === true),
  );
});

Deno.test("the first reasoning delta is sent within one token of the title's first character", async () => {
  const tokens = pieces(step("Understand", "Add two and two."), 1);
  const titleAt = tokens.join("").indexOf("Understand");
  const shown = Promise.withResolvers<void>();
  let sent = 0;
  await using upstream = startUpstream((call) =>
    call.index > 0 ? STEPS[2]! : {
      content: tokens,
      gate(frame) {
        sent = frame;
        // Frame 0 is the role; one token past the title's first character waits for the client.
        if (frame === 1 + titleAt + 1) return shown.promise;
      },
    }
  );
  const app = await createTestApp({ upstream: upstream.url });
  const stream = readStream(await app.chat({ stream: true }));
  const text = await stream.until(({ reasoning }) => reasoning !== "");
  assertEquals(text.reasoning, "**U");
  assertEquals(sent, 1 + titleAt + 1);
  shown.resolve();
  await stream.until(({ done }) => done);
});

Deno.test("the usage chunk is sent on request, and then every other chunk has a null usage", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.chat({
    stream: true,
    stream_options: { include_usage: true },
  });
  const { chunks, done } = parseStream(await response.text());
  const last = chunks.pop();
  assertEquals(last.choices, []);
  assertEquals(last.usage.completion_tokens, 20);
  assertEquals(last.usage.completion_tokens_details.reasoning_tokens, 15);
  assert(chunks.every((chunk) => chunk.usage === null));
  assert(done);
});

Deno.test("every call contains the client's whole conversation", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const messages = [
    { role: "system", content: "Answer in French." },
    {
      role: "user",
      content: [{ type: "text", text: "Hi" }, {
        type: "image_url",
        image_url: { url: "data:image/png;base64,AA==" },
      }],
    },
    { role: "assistant", content: "Bonjour", name: "x" },
    { role: "user", content: "2+2?" },
  ];
  await (await app.chat({ messages })).text();
  for (const call of upstream.calls) {
    assertEquals(call.body.messages.slice(1, 5), messages);
    assertEquals(call.body.model, "scripted-model");
  }
  // The prompt only grows at its end.
  for (const [i, call] of upstream.calls.entries()) {
    const earlier = upstream.calls[i - 1]?.body.messages ?? [];
    assertEquals(call.body.messages.slice(0, earlier.length), earlier);
  }
  const last = upstream.calls.at(-1)!.body;
  assertStringIncludes(
    last.messages.at(-1).content,
    "Please provide the final answer based on the above reasoning.",
  );
  assertEquals(last.response_format, undefined);
  assertEquals(last.max_tokens, undefined);
});

Deno.test("the client's tools and stop sequences apply to the final call only, and its sampling to all", async () => {
  await using upstream = startUpstream(STEPS);
  const app = await createTestApp({ upstream: upstream.url });
  const tools = [{
    type: "function",
    function: { name: "add", parameters: { type: "object" } },
  }];
  const fields = {
    temperature: 0.3,
    top_p: 0.9,
    seed: 7,
    stop: ["END"],
    tools,
  };
  await (await app.chat(fields)).text();
  for (const call of upstream.calls.slice(0, -1)) {
    assertEquals([call.body.tools, call.body.stop], [undefined, undefined]);
    assertEquals([call.body.temperature, call.body.top_p], [0.3, 0.9]);
    assertStringIncludes(call.body.messages[0].content, "add");
  }
  const final = upstream.calls.at(-1)!.body;
  for (const [field, value] of Object.entries(fields)) {
    assertEquals(final[field], value);
  }
});

Deno.test("direct passes on content, reasoning, tool calls and refusals", async () => {
  await using upstream = startUpstream([{
    reasoning: ["I should ", "call."],
    toolCalls: [
      { id: "call_1", name: "add", arguments: ['{"a":', "1}"] },
      { id: "call_2", name: "sub", arguments: ["{}"] },
    ],
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const whole = await (await app.chat({ model: "plain" })).json();
  assertEquals(whole.choices[0].message.content, null);
  assertEquals(whole.choices[0].message.reasoning, "I should call.");
  assertEquals(whole.choices[0].finish_reason, "tool_calls");
  assertEquals(whole.choices[0].message.tool_calls, [
    {
      id: "call_1",
      type: "function",
      function: { name: "add", arguments: '{"a":1}' },
    },
    {
      id: "call_2",
      type: "function",
      function: { name: "sub", arguments: "{}" },
    },
  ]);
  const stream = parseStream(
    await (await app.chat({ model: "plain", stream: true })).text(),
  );
  assertEquals(stream.reasoning, "I should call.");
  assertEquals(stream.chunks.at(-1).choices[0].finish_reason, "tool_calls");
  const calls = stream.chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? []);
  assertEquals(calls[0], {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: "add", arguments: "" },
  });
  assertEquals(calls[1], { index: 0, function: { arguments: '{"a":' } });
  assertEquals(calls.map((call) => call.index), [0, 0, 0, 1, 1]);
});

for (
  const [name, reply] of Object.entries({
    "plain text": "Add two and two, which makes four.",
    "a fence": "```json\n" + step("T", "Add two and two, which makes four.") +
      "\n```",
    "half of an object": step("T", "Add two and two, which makes four.").slice(
      0,
      -40,
    ),
    "prose around it": "Here you go: " +
      step("T", "Add two and two, which makes four.") + " Next?",
  })
) {
  Deno.test(`a model that answers a step with ${name} does not end the run and is not called again`, async () => {
    await using upstream = startUpstream((call) =>
      call.index === 0 ? { content: pieces(reply) } : STEPS[Math.min(call.index, 3)]!
    );
    const app = await createTestApp({ upstream: upstream.url });
    const stream = parseStream(await (await app.chat({ stream: true })).text());
    assertStringIncludes(stream.reasoning, "Add two and two");
    assertEquals(stream.content, "The answer is 4.");
    assertEquals(upstream.calls.length, 4);
  });
}

Deno.test("a rejected schema is not sent again, and an ignored one is sent as text", async () => {
  await using refusing = startUpstream((call) =>
    call.body.response_format?.type === "json_schema"
      ? {
        status: 400,
        body: '{"error":{"message":"response_format json_schema is not supported"}}',
      }
      : call.body.response_format === undefined
      ? { content: "4" }
      : { content: step("T", `C ${call.index}`, "final_answer") }
  );
  const app = await createTestApp({ upstream: refusing.url });
  const formats = () => refusing.calls.map((call) => call.body.response_format?.type);
  await (await app.chat({})).text();
  assertEquals(formats(), [
    "json_schema",
    "json_object",
    "json_object",
    "json_object",
    undefined,
  ]);
  assertEquals(
    Object.keys(refusing.calls[1]!.body.response_format.schema.properties),
    [
      "title",
      "content",
      "next_action",
    ],
  );

  await using ignoring = startUpstream((call) =>
    call.body.response_format?.type === "json_schema"
      ? { content: "no JSON" }
      : { content: step("T", `C ${call.index}`, "final_answer") }
  );
  const second = await createTestApp({ upstream: ignoring.url });
  await (await second.chat({})).text();
  assertEquals(
    ignoring.calls.map((call) => call.body.response_format?.type),
    ["json_schema", "json_object", "json_object", undefined],
  );
});

Deno.test("repeated steps and the limit of steps end the thinking", async () => {
  const same = step(
    "Again",
    "The same words as before, again and again and again.",
  );
  await using upstream = startUpstream((call) => ({
    content: call.body.response_format === undefined ? "4" : same,
  }));
  const app = await createTestApp({ upstream: upstream.url });
  await (await app.chat({})).text();
  assertEquals(upstream.calls.length, 4);

  await using busy = startUpstream((call) => ({
    content: call.body.response_format === undefined ? "4" : step(
      `Title ${call.index}`,
      `Wholly other words ${"abcdefghijkl"[call.index]}`,
    ),
  }));
  const other = await createTestApp({ upstream: busy.url });
  await (await other.chat({ reasoning_effort: "low" })).text();
  assertEquals(busy.calls.length, 5);
  await (await other.chat({ reasoning: { max_steps: 2, min_steps: 1 } }))
    .text();
  assertEquals(busy.calls.length, 8);
  await (await other.chat({ reasoning_effort: "none" })).text();
  assertEquals(busy.calls.length, 9);
});

for (const stream of [true, false]) {
  Deno.test(`a client that disconnects before the headers aborts the upstream call, stream: ${stream}`, async () => {
    await using upstream = startUpstream([{ before: new Promise(() => {}) }]);
    const app = await createTestApp({ upstream: upstream.url });
    const client = new AbortController();
    const answer = app.chat({ stream, model: "plain" }, {
      signal: client.signal,
    });
    await upstream.called();
    client.abort();
    await answer;
    await upstream.calls[0]!.left;
    assertEquals(upstream.open, 0);
  });
}

Deno.test("a client that disconnects mid-stream aborts the upstream call", async () => {
  await using upstream = startUpstream([{
    content: ["Some ", "words"],
    end: "stall",
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const stream = readStream(await app.chat({ stream: true, model: "plain" }));
  await stream.until(({ content }) => content === "Some words");
  await stream.cancel();
  await upstream.calls[0]!.left;
  assertEquals(upstream.open, 0);
});

Deno.test("the upstream gets its own key, never the client's token", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({ upstream: upstream.url });
  await (await app.chat({ model: "plain" })).text();
  const { headers } = upstream.calls[0]!;
  assertEquals(headers.get("authorization"), "Bearer upstream-key-4711");
  assert(![...headers.values()].some((value) => value.includes(TOKEN)));
});
