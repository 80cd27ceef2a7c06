import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import openWebUi from "../fixtures/open-webui.json" with { type: "json" };
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { createFakeClock } from "../support/clock.ts";
import { createTestApp, parseStream, readStream } from "../support/app.ts";
import {
  type Call,
  isThinking,
  pieces,
  type Reply,
  startUpstream,
  step,
} from "../support/upstream.ts";

const TOOLS = [
  {
    type: "function",
    function: { name: "add", description: "Adds", parameters: { type: "object" }, strict: true },
  },
  { type: "function", function: { name: "sub" } },
];
const thought = { content: step("T", "Thinking about it.", "final_answer") };
const twoCalls = {
  toolCalls: [
    { id: "c1", name: "add", arguments: ['{"a"', ":1}"] },
    { id: "c2", name: "sub", arguments: "{}" },
  ],
};
const onFinal = (reply: Reply) => (call: Call) => isThinking(call) ? thought : reply;

for (
  const [choice, sent, tools] of [
    ["none", "none", 2],
    ["auto", "auto", 2],
    ["required", "required", 2],
    [{ type: "function", function: { name: "sub" } }, {
      type: "function",
      function: { name: "sub" },
    }, 2],
    [
      {
        type: "allowed_tools",
        allowed_tools: {
          mode: "required",
          tools: [{ type: "function", function: { name: "add" } }],
        },
      },
      "required",
      1,
    ],
    [null, undefined, 2],
  ] as const
) {
  Deno.test(`tool_choice ${JSON.stringify(choice)} reaches the final call`, async () => {
    await using upstream = startUpstream([{ content: "ok" }]);
    const { chat } = await createTestApp({ upstream: upstream.url });
    await (await chat({ model: "plain", tools: TOOLS, tool_choice: choice })).text();
    assertEquals(upstream.calls[0]!.body.tool_choice, sent);
    assertEquals(upstream.calls[0]!.body.tools, TOOLS.slice(0, tools));
  });
}

for (
  const [name, fields, param] of [
    ["an unknown tool_choice", { tools: TOOLS, tool_choice: "sometimes" }, "tool_choice"],
    ["an unknown tool_choice without tools", { tool_choice: "sometimes" }, "tool_choice"],
    ["an unknown tool_choice with an empty list", { tools: [], tool_choice: "x" }, "tool_choice"],
    ["an unknown function_call without functions", { function_call: "sometimes" }, "tool_choice"],
    ["an unknown mode", {
      tools: TOOLS,
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "x", tools: TOOLS.slice(0, 1) },
      },
    }, "tool_choice"],
    ["a tool_choice of no tool", {
      tools: TOOLS,
      tool_choice: { type: "function", function: { name: "mul" } },
    }, "tool_choice"],
    ["a custom tool", { tools: [{ type: "custom", custom: { name: "x" } }] }, "tools[0].type"],
    [
      "a function without a name",
      { tools: [{ type: "function", function: {} }] },
      "tools[0].function.name",
    ],
    ["a function without a function", { tools: [{ type: "function" }] }, "tools[0].function"],
    ["more choices than samples", { n: 33 }, "n"],
    ["an unknown content part", {
      messages: [{ role: "user", content: [{ type: "text", text: "x" }, { type: "hologram" }] }],
    }, "messages[0].content[1]"],
    ["a content part whose type is no text", {
      messages: [{ role: "user", content: [{ type: 4 }] }],
    }, "messages[0].content[0].type"],
    ["a user message without content", { messages: [{ role: "user" }] }, "messages[0].content"],
  ] as const
) {
  Deno.test(`a request with ${name} gets a 400 that names the field`, async () => {
    const { chat } = await createTestApp({ upstream: "http://127.0.0.1:9999" });
    const response = await chat(fields);
    assertEquals(response.status, 400);
    assertEquals((await response.json()).error.param, param);
  });
}

for (const strategy of Object.keys(strategies)) {
  Deno.test(`${strategy}: thinking calls see tools as text, and only the visible call can call them`, async () => {
    await using upstream = startUpstream(onFinal(twoCalls));
    const { chat } = await createTestApp({ upstream: upstream.url });
    const body = { tools: TOOLS, reasoning: { strategy } };
    const whole = await (await chat(body)).json();
    assertEquals(whole.choices[0].finish_reason, "tool_calls");
    assertEquals(whole.choices[0].message.content, null);
    assertEquals(whole.choices[0].message.tool_calls.length, 2);
    const final = upstream.calls.at(-1)!;
    assertEquals(final.body.tools, TOOLS);
    for (const call of upstream.calls.slice(0, -1)) {
      assertEquals(call.body.tools, undefined);
      assertStringIncludes(call.body.messages[0].content, "- add: Adds");
    }
    const single = await (await chat({ ...body, parallel_tool_calls: false })).json();
    assertEquals(single.choices[0].message.tool_calls.length, 1);
  });

  Deno.test(`${strategy}: every message, image and tool call reaches the final call`, async () => {
    await using upstream = startUpstream(onFinal({ content: "ok" }));
    const { chat } = await createTestApp({ upstream: upstream.url });
    const messages = [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        name: "ann",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: "42" },
      { role: "system", content: "And in French." },
      { role: "assistant", content: "C'est 42." },
      {
        role: "user",
        content: [{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } }],
      },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "c2", type: "function", function: { name: "sub", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "7" }] },
    ];
    await (await chat({ messages, tools: TOOLS, reasoning: { strategy } })).text();
    const sent = upstream.calls.at(-1)!.body.messages;
    const at = sent.findIndex(({ content }: { content: unknown }) => content === "Be brief.");
    // Few upstreams know the role developer.
    const expected = messages.with(0, { role: "system", content: "Be brief." });
    assertEquals(sent.slice(at, at + messages.length), expected);
  });
}

Deno.test("earlier answers are sent without thinking and without response-only fields", async () => {
  await using upstream = startUpstream([{ content: "ok" }]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  const old = {
    role: "assistant",
    refusal: null,
    annotations: [],
    audio: null,
    reasoning: "r",
    reasoning_content: "r",
    tool_calls: [],
  };
  await (await chat({
    model: "plain",
    messages: [
      { role: "user", content: "a" },
      { ...old, content: "<think>secret</think>\n\nOne." },
      {
        ...old,
        content:
          '<details type="reasoning" done="true">\n<summary>x</summary>\n> y\n</details>\nTwo.',
      },
      { ...old, content: [{ type: "thinking", thinking: "z" }, { type: "text", text: "Three." }] },
      { role: "user", content: "What does <think> mean?" },
    ],
  })).text();
  assertEquals(upstream.calls[0]!.body.messages, [
    { role: "user", content: "a" },
    { role: "assistant", content: "One." },
    { role: "assistant", content: "Two." },
    { role: "assistant", content: [{ type: "text", text: "Three." }] },
    { role: "user", content: "What does <think> mean?" },
  ]);
});

Deno.test("the deprecated functions parameter is answered with function_call", async () => {
  await using upstream = startUpstream([twoCalls]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  const body = {
    model: "plain",
    functions: [{ name: "add", parameters: { type: "object" } }],
    function_call: { name: "add" },
    messages: [
      { role: "user", content: "1+1?" },
      { role: "assistant", content: null, function_call: { name: "add", arguments: "{}" } },
      { role: "function", name: "add", content: "2" },
    ],
  };
  const { choices: [choice] } = await (await chat(body)).json();
  assertEquals(choice.finish_reason, "function_call");
  assertEquals(choice.message.function_call, { name: "add", arguments: '{"a":1}' });
  assertEquals(choice.message.tool_calls, undefined);
  const sent = upstream.calls[0]!.body;
  assertEquals(sent.tools.map((tool: { function: { name: string } }) => tool.function.name), [
    "add",
  ]);
  assertEquals(sent.tool_choice, { type: "function", function: { name: "add" } });
  assertEquals(sent.messages[2].tool_call_id, sent.messages[1].tool_calls[0].id);
  const stream = parseStream(await (await chat({ ...body, stream: true })).text());
  const deltas = stream.chunks.map((chunk) => chunk.choices[0].delta.function_call).filter(Boolean);
  assertEquals(deltas[0], { name: "add", arguments: "" });
  assertEquals(deltas.map((delta) => delta.arguments).join(""), '{"a":1}');
  assertEquals(stream.chunks.at(-1).choices[0].finish_reason, "function_call");
});

Deno.test("stop ends the visible text at any chunk boundary, and not the thinking", async () => {
  await using upstream = startUpstream(
    onFinal({ content: pieces("One. END of it", 3), reasoning: "END is near" }),
  );
  const { chat } = await createTestApp({ upstream: upstream.url });
  for (const stream of [true, false]) {
    const response = await chat({ model: "plain", stream, stop: ["END", "never"] });
    const text = await response.text();
    const { content, reasoning } = stream ? parseStream(text) : (() => {
      const { message } = JSON.parse(text).choices[0];
      return { content: message.content, reasoning: message.reasoning };
    })();
    assertEquals([content, reasoning], ["One. ", "END is near"]);
  }
});

Deno.test("a stop sequence ends the upstream call", async () => {
  await using upstream = startUpstream([{
    content: ["It is 4.", "END", " Or"],
    finish: null,
    end: "stall",
  }]);
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { u: { base_url: UPSTREAM, timeouts: { idle_ms: 2000 } } }
models: { plain: { upstream: u, model: x, strategy: direct } }`,
  });
  const response = await chat({ model: "plain", stop: "END", stream: true });
  const { content, done, error } = parseStream(await response.text());
  assertEquals([content, done, error], ["It is 4.", true, undefined]);
});

Deno.test("max_completion_tokens limits the loop and reserves tokens for the answer", async () => {
  await using upstream = startUpstream((call) => ({
    content: call.body.response_format
      ? step(`Title ${call.index}`, `Words ${"abcdefgh"[call.index]}`)
      : "4",
    usage: { prompt_tokens: 10, completion_tokens: 300 },
  }));
  const { chat } = await createTestApp({ upstream: upstream.url });
  const completion = await (await chat({ max_completion_tokens: 2000, max_tokens: 9 })).json();
  assertEquals(upstream.calls.map((call) => call.body.max_tokens), [
    1488,
    1188,
    888,
    588,
    288,
    500,
  ]);
  assertEquals(completion.choices[0].message.content, "4");
  assertEquals(completion.choices[0].finish_reason, "stop");
  assertEquals(completion.usage.completion_tokens, 1800);
  upstream.calls.length = 0;
  await (await chat({ max_completion_tokens: 20 })).text();
  assertEquals(upstream.calls.map((call) => call.body.max_tokens), [20]);
  upstream.calls.length = 0;
  await (await chat({ max_tokens: 20 })).text();
  assert(upstream.calls.length > 1);
  for (const { body } of upstream.calls) assertEquals(body.max_tokens, 20);
});

for (
  const [fields, calls] of [
    [{ reasoning_effort: "minimal" }, 1],
    [{ reasoning: { enabled: false } }, 1],
    [{ thinking: { type: "disabled" } }, 1],
    [{ enable_thinking: false }, 1],
    [{ chat_template_kwargs: { enable_thinking: false } }, 1],
    [{ chat_template_kwargs: { thinking: false } }, 1],
    [{ reasoning_effort: "", reasoning: { effort: null } }, 4],
    [{ thinking: { type: "enabled", budget_tokens: 18 } }, 2],
    [{ thinking_budget: 18 }, 2],
    [{ reasoning: { max_tokens: 18 } }, 2],
  ] as const
) {
  Deno.test(`reasoning effort: ${JSON.stringify(fields)}`, async () => {
    await using upstream = startUpstream((call) =>
      call.body.response_format
        ? { content: step(`T${call.index}`, `Words ${call.index}`, "final_answer") }
        : { content: "4" }
    );
    const { chat } = await createTestApp({ upstream: upstream.url });
    assertEquals((await chat(fields)).status, 200);
    assertEquals(upstream.calls.length, calls);
  });
}

Deno.test("utility requests of chat apps use direct unless they name a strategy", async () => {
  await using upstream = startUpstream(onFinal({ content: "Title" }));
  const { chat } = await createTestApp({ upstream: upstream.url });
  const ask = async (content: unknown, more = {}, before: object[] = []) => {
    upstream.calls.length = 0;
    await (await chat({ messages: [...before, { role: "user", content }], ...more })).text();
    return upstream.calls.length;
  };
  assertEquals(await ask("### Task:\nGenerate a title"), 1);
  assertEquals(await ask("You are performing a CONTEXT CHECKPOINT COMPACTION. Create"), 1);
  assertEquals(await ask("Query: Query: Hi"), 1);
  assertEquals(await ask('Query: History:\nUSER: """Hi"""\nQuery: Hi'), 1);
  assertEquals(await ask('History:\nASSISTANT: """Hi"""\nQuery: Hi'), 1);
  for (const role of ["system", "developer", "user"]) {
    const picker = [{ role, content: 'Available Tools: [{"name": "clock"}]\n\nYour task is' }];
    assertEquals(await ask("Query: Hi", {}, picker), 1);
    assert(await ask("Hi", {}, picker) > 1);
  }
  assert(await ask("Query: Hi") > 1);
  assert(await ask("Query: Hi", {}, [{ role: "system", content: "Tools: []" }]) > 1);
  assert(await ask("History: when did Rome fall?") > 1);
  assertEquals(await ask("Hello"), 1);
  assertEquals(await ask([{ type: "text", text: "hello" }]), 1);
  assert(await ask("Hello, what is 2 + 2?") > 1);
  assert(await ask("### Task:\nx", { reasoning: { strategy: "steps" } }) > 1);
  assert(await ask("### Task:\nx", { reasoning_effort: "low" }) > 1, "an explicit effort");
  for (const { name, start, isUtility } of openWebUi.templates) {
    assertEquals(await ask(`${start}\n…`) === 1, isUtility, name);
  }
});

Deno.test("an answer that the client has begun is continued by one call", async () => {
  await using upstream = startUpstream([{ content: " 42." }]);
  const { chat, respond, send } = await createTestApp({ upstream: upstream.url });
  const messages = [
    { role: "user", content: "What is 6 * 7?" },
    { role: "assistant", content: "The answer is" },
  ];
  const answers = [
    (await (await chat({ model: "o1", messages })).json()).choices[0].message.content,
    (await (await respond({ model: "o1", input: messages })).json()).output[0].content[0].text,
    (await (await send("/v1/messages", { model: "o1", max_tokens: 100, messages })).json())
      .content[0].text,
  ];
  assertEquals(answers, [" 42.", " 42.", " 42."]);
  for (const { body } of upstream.calls) assertEquals(body.messages, messages);
  assertEquals(upstream.calls.length, 3);
});

Deno.test("the effort goes to an upstream that decides itself how much to reason", async () => {
  const EFFORTS = { reasoning_effort: "high", thinking_budget: 100, enable_thinking: true };
  await using upstream = startUpstream(onFinal({ content: "4", reasoning: "Two twos." }));
  const { chat } = await createTestApp({ upstream: upstream.url });
  const sent = async (model: string) => {
    upstream.calls.length = 0;
    await chat({ model, ...EFFORTS });
    return upstream.calls.map(({ body }) => Object.keys(EFFORTS).filter((field) => field in body));
  };
  assertEquals(await sent("plain"), [Object.keys(EFFORTS)]);
  await sent("o1");
  // By now the model is known to reason. Thinking calls never get the fields.
  const calls = await sent("o1");
  assertEquals(calls.at(-1), Object.keys(EFFORTS));
  assertEquals(calls.slice(0, -1).flat(), []);

  await using other = startUpstream(onFinal({ content: "4" }));
  const { chat: ask } = await createTestApp({ upstream: other.url });
  await ask({ model: "o1", ...EFFORTS, top_k: 3 });
  const fields = other.calls.map(({ body }) => ["reasoning_effort" in body, body.top_k]);
  assertEquals(fields.at(-1), [false, 3]);
  assertEquals(new Set(fields.slice(0, -1).map(String)), new Set(["false,"]));
});

Deno.test("the list of models contains what the configuration says about them", async () => {
  const { send } = await createTestApp({
    upstream: "http://127.0.0.1:4711",
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models:
  a: { model: m, context_length: 40960, input_modalities: [text, image], output_modalities: [text] }
  b: { model: m }`,
  });
  const { data: [a, b] } = await (await send("/v1/models")).json();
  const architecture = { input_modalities: ["text", "image"], output_modalities: ["text"] };
  assertEquals([a.context_length, a.architecture], [40_960, architecture]);
  assertEquals(["context_length" in b, "architecture" in b], [false, false]);
  const headers = { "anthropic-version": "2023-06-01" };
  const anthropic = await (await send("/v1/models/a", undefined, { headers })).json();
  assertEquals(anthropic.max_input_tokens, 40_960);
});

Deno.test("stop sequences beyond the four that upstreams accept are applied by the server", async () => {
  await using upstream = startUpstream([{ content: ["One. ", "Two STOP5 ", "three."] }]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  const stop = ["1", "2", "3", "4", "STOP5"];
  for (const stream of [true, false]) {
    const response = await chat({ model: "plain", stream, stop });
    const content = stream
      ? parseStream(await response.text()).content
      : (await response.json()).choices[0].message.content;
    assertEquals(content, "One. Two ");
  }
  assertEquals(upstream.calls.map(({ body }) => body.stop), Array(2).fill(stop.slice(0, 4)));
});

Deno.test("slashes that clients repeat after the version do not matter", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const { send } = await createTestApp({ upstream: upstream.url });
  const body = { model: "plain", messages: [{ role: "user", content: "Hi" }] };
  for (const path of ["/v1//chat/completions", "/v1//v1///chat/completions/"]) {
    assertEquals((await send(path, body)).status, 200, path);
  }
});

const STRICT = `
server: { strict_openai: true }
upstreams: { u: { base_url: UPSTREAM } }
models: { o1: { upstream: u, model: m } }
`;

for (
  const [fields, code, message] of [
    [
      { max_tokens: 5 },
      "unsupported_parameter",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ],
    [
      { temperature: 0.2 },
      "unsupported_value",
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
    ],
    [{ top_p: 0.5 }, "unsupported_value", "'top_p' does not support 0.5"],
    [{ presence_penalty: 1 }, "unsupported_value", "Only the default (0) value"],
    [{ logprobs: true }, "unsupported_parameter", "'logprobs'"],
    [{ logit_bias: {} }, "unsupported_parameter", "'logit_bias'"],
    [{ parallel_tool_calls: true }, "unsupported_parameter", "'parallel_tool_calls'"],
    [{ n: 2 }, "unsupported_value", "'n'"],
    [
      { reasoning_effort: "minimal" },
      "unsupported_value",
      "Supported values are: 'low', 'medium', and 'high'.",
    ],
    [
      { stream_options: { include_usage: true } },
      "invalid_value",
      "only allowed when 'stream' is enabled",
    ],
    [
      { messages: [{ role: "tool", tool_call_id: "x", content: "y" }] },
      "invalid_value",
      "must be a response to a preceding message",
    ],
  ] as const
) {
  Deno.test(`the strict profile rejects ${JSON.stringify(fields)} with OpenAI's message; the lenient profile accepts it`, async () => {
    await using upstream = startUpstream([{ content: "ok" }]);
    const strict = await createTestApp({ upstream: upstream.url, yaml: STRICT });
    const refused = await strict.chat(fields);
    assertEquals(refused.status, 400);
    const { error } = await refused.json();
    assertEquals(error.code, code);
    assertStringIncludes(error.message, message);
    if ("n" in fields) return;
    const lenient = await createTestApp({ upstream: upstream.url });
    const taken = await lenient.chat({ model: "plain", ...fields });
    assertEquals(taken.status, 200);
    await taken.body?.cancel();
  });
}

Deno.test("the strict profile accepts what o1 accepts", async () => {
  await using upstream = startUpstream([{ content: "ok" }]);
  const { chat } = await createTestApp({ upstream: upstream.url, yaml: STRICT });
  const fields = {
    temperature: 1,
    top_p: 1,
    presence_penalty: 0,
    n: 1,
    reasoning_effort: "low",
    max_completion_tokens: 50,
  };
  assertEquals((await (await chat(fields)).json()).choices[0].message.content, "ok");
});

Deno.test("requests with the same idempotency key share a run until the last client disconnects", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream((call) =>
    call.index === 0
      ? {
        content: ["one ", "two"],
        gate: (frame: number) => frame === 2 ? gate.promise : undefined,
      }
      : { content: ["x"], end: "stall" as const }
  );
  const { chat } = await createTestApp({ upstream: upstream.url });
  const ask = (key: string) =>
    chat({ model: "plain", stream: true }, {
      headers: { "idempotency-key": key, "x-stainless-retry-count": "1" },
    });
  const first = readStream(await ask("a"));
  await first.until(({ content }) => content === "one ");
  const second = readStream(await ask("a"));
  await second.until(({ content }) => content === "one ");
  await first.cancel();
  gate.resolve();
  const whole = await second.until(({ done }) => done);
  assertEquals(whole.content, "one two");
  assertEquals(upstream.calls.length, 1);

  const third = readStream(await ask("b"));
  const fourth = readStream(await ask("b"));
  await third.until(({ content }) => content === "x");
  await fourth.until(({ content }) => content === "x");
  assertEquals(upstream.calls.length, 2);
  await third.cancel();
  await fourth.cancel();
  await upstream.calls[1]!.left;
});

Deno.test("an idempotency key joins no run that has ended", async () => {
  await using upstream = startUpstream([{ content: "first" }, { content: "second" }]);
  const { chat } = await createTestApp({ upstream: upstream.url });
  for (const expected of ["first", "second"]) {
    const response = await chat({ model: "plain" }, { headers: { "idempotency-key": "a" } });
    assertEquals((await response.json()).choices[0].message.content, expected);
  }
});

Deno.test("x-should-retry tells whether a retry can succeed", async () => {
  for (
    const [status, retry, code] of [[400, "false", 400], [401, "false", 424], [404, "false", 424], [
      503,
      "true",
      503,
    ]] as const
  ) {
    await using upstream = startUpstream([{ status, body: "{}" }]);
    const { chat } = await createTestApp({ upstream: upstream.url });
    const response = await chat({ model: "plain" });
    assertEquals([response.status, response.headers.get("x-should-retry")], [code, retry]);
    await response.body?.cancel();
  }
});

Deno.test("structured progress is sent on request", async () => {
  await using upstream = startUpstream(onFinal({ content: "4" }));
  const { chat } = await createTestApp({ upstream: upstream.url });
  const { chunks } = parseStream(
    await (await chat({ stream: true, reasoning: { events: true, min_steps: 1 } })).text(),
  );
  const progress = chunks.filter((chunk) => chunk.o1).map((chunk) => chunk.o1);
  assertEquals(progress.map(({ type }) => type), ["step_start", "step_end", "usage"]);
  assertEquals(progress[1].title, "T");
});

const HEARTBEAT = `
server: { json_heartbeat: true, heartbeat_ms: 1000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { o1: { upstream: u, model: m } }
`;

Deno.test("a slow JSON response starts with spaces and is valid even if the upstream fails", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([
    { before: gate.promise, content: "4" },
    { status: 400, body: "{}", before: gate.promise },
  ]);
  const time = createFakeClock();
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: HEARTBEAT,
    clock: time.clock,
  });
  const answer = chat({});
  await upstream.called();
  await time.advance(1000);
  const response = await answer;
  assertEquals([response.status, response.headers.get("content-type")], [200, "application/json"]);
  await time.advance(2500);
  gate.resolve();
  const text = await response.text();
  assertEquals(text.indexOf("{"), 3);
  assertEquals(JSON.parse(text).choices[0].message.content, "4");

  const again = Promise.withResolvers<void>();
  await using failing = startUpstream(() => ({ status: 400, body: "{}", before: again.promise }));
  const other = await createTestApp({ upstream: failing.url, yaml: HEARTBEAT, clock: time.clock });
  const late = other.chat({});
  await failing.called();
  await time.advance(1000);
  const cut = await late;
  again.resolve();
  assertEquals(JSON.parse(await cut.text()).choices[0].finish_reason, "length");
});
