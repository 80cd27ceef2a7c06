import { assert, assertEquals } from "@std/assert";
import { createTestApp, parseStream, readStream, TOKEN } from "../support/app.ts";
import { createFakeClock, passing } from "../support/clock.ts";
import { type Call, type Reply, startUpstream } from "../support/upstream.ts";
import { waitUntil } from "../support/wait.ts";

const failing = (status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: "{}",
});

const rejecting = (message: string): Reply => ({
  status: 400,
  body: JSON.stringify({ error: { message } }),
});

const ok: Reply = { content: "ok" };

interface AppOptions {
  /** Settings of the upstreams, which are tried in order. */
  upstreams: readonly Record<string, unknown>[];
  server?: Record<string, unknown>;
  /** Returns the time in milliseconds; timers never fire then. */
  now?: () => number;
}

/** Creates an app with one model, and returns a function that sends a request to it. */
async function createAsk({ upstreams, server = {}, now }: AppOptions) {
  const names = upstreams.map((_, i) => `u${i}`);
  const yaml = JSON.stringify({
    api_bearer_token: TOKEN,
    server,
    upstreams: Object.fromEntries(upstreams.map((settings, i) => [
      names[i],
      { retry: { base_ms: 1, max_ms: 20 }, ...settings },
    ])),
    models: { m: { strategy: "direct", upstream: names, model: "x" } },
  });
  const clock = now && { now, date: now, timer: () => () => {} };
  const { chat } = await createTestApp({
    upstream: "",
    yaml,
    tokenLine: "",
    ...(clock === undefined ? {} : { clock }),
  });
  return async (body: Record<string, unknown> = {}) => {
    const response = await chat(body);
    const text = await response.text();
    return { status: response.status, json: body.stream ? undefined : JSON.parse(text) };
  };
}

Deno.test("a call is not retried if its delay ends after the request's time limit", async () => {
  await using upstream = startUpstream([failing(503, { "retry-after": "3" }), ok]);
  const ask = await createAsk({
    upstreams: [{ base_url: upstream.url, retry: { base_ms: 1, max_ms: 60_000 } }],
    server: { request_timeout_ms: 2_000 },
  });
  const { status, json } = await ask();
  assertEquals([status, json.error.code], [503, "upstream_overloaded"]);
  assertEquals(upstream.calls.length, 1);
});

for (const status of [401, 402, 403, 429]) {
  Deno.test(`a key that is rejected with ${status} is replaced by the next`, async () => {
    await using upstream = startUpstream((call) =>
      call.headers.get("authorization") === "Bearer k1" ? failing(status) : ok
    );
    const ask = await createAsk({
      upstreams: [{
        base_url: upstream.url,
        api_key: ["k1", "k2"],
        retry: { max_attempts: 1 },
      }],
    });
    assertEquals((await ask()).status, 200);
    assertEquals(upstream.calls.map(({ headers }) => headers.get("authorization")), [
      "Bearer k1",
      "Bearer k2",
    ]);
  });
}

Deno.test("headers of an upstream's settings are sent, and replace others in any case", async () => {
  await using upstream = startUpstream([ok]);
  const headers = { "X-Own": "1", "Authorization": "Token t", "USER-AGENT": "mine" };
  const ask = await createAsk({
    upstreams: [{ base_url: upstream.url, api_key: "k1", headers }],
  });
  assertEquals((await ask()).status, 200);
  const sent = upstream.calls[0]!.headers;
  assertEquals(
    ["x-own", "authorization", "user-agent", "content-type"].map((name) => sent.get(name)),
    ["1", "Token t", "mine", "application/json"],
  );
});

/** Two upstreams, the first of which is skipped after two failures within 10 seconds. */
function startPair(first: (call: Call) => Reply | Promise<Reply>) {
  const a = startUpstream(first);
  const b = startUpstream([ok]);
  const breaker = { min_calls: 2, window_ms: 10_000, cooldown_ms: 5_000 };
  return {
    upstreams: [{ base_url: a.url, breaker }, { base_url: b.url }],
    /** Number of calls to each. */
    calls: () => [a.calls.length, b.calls.length],
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an upstream is not skipped because it rejects requests as invalid", async () => {
  await using pair = startPair(({ body }) =>
    body.messages[0].content === "too long"
      ? rejecting("This model's maximum context length is 8192 tokens.")
      : body.messages[0].content === "bad"
      ? rejecting("bad image")
      : ok
  );
  const ask = await createAsk(pair);
  for (const content of ["bad", "too long", "bad", "too long", "good"]) {
    const { status } = await ask({ messages: [{ role: "user", content }] });
    assertEquals(status, content === "good" ? 200 : 400);
  }
  assertEquals(pair.calls(), [5, 0]);
});

Deno.test("failures count for as long as the breaker's window, and no longer", async () => {
  await using pair = startPair(() => failing(404));
  let now = 0;
  const ask = await createAsk({ ...pair, now: () => now });
  await ask();
  now = 10_500;
  await ask();
  assertEquals(pair.calls(), [2, 2]);
  // The first failure has left the window, so the second alone skips nothing.
  now = 14_000;
  await ask();
  assertEquals(pair.calls(), [3, 3]);
  await ask();
  assertEquals(pair.calls(), [3, 4]);
});

Deno.test("an upstream is skipped as soon as half of its calls have failed", async () => {
  await using pair = startPair(({ index }) => index < 2 ? ok : failing(404));
  const ask = await createAsk(pair);
  const counts = [];
  for (let i = 0; i < 6; i++) {
    await ask();
    counts.push(pair.calls());
  }
  assertEquals(counts, [[1, 0], [2, 0], [3, 1], [4, 2], [4, 3], [4, 4]]);
});

Deno.test("exactly one of several simultaneous requests probes the upstream after the cool-down", async () => {
  const probed = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using pair = startPair(({ index }) => {
    if (index < 2) return failing(404);
    probed.resolve();
    // A second probe is a failure; it must not wait for ever.
    if (index > 2) answer.resolve();
    return { ...ok, before: answer.promise };
  });
  let now = 0;
  const ask = await createAsk({ ...pair, now: () => now });
  for (let i = 0; i < 2; i++) await ask();
  now = 5_001;
  const answers = Array.from({ length: 5 }, () => ask());
  await probed.promise;
  await waitUntil("the calls of the others", () => pair.calls()[1] === 6);
  await ask();
  assertEquals(pair.calls(), [3, 7]);
  answer.resolve();
  for (const answered of answers) assertEquals((await answered).status, 200);
  await ask();
  assertEquals(pair.calls(), [4, 7]);
});

Deno.test("the limit of a body applies to its length before compression", async () => {
  const completion = JSON.stringify({
    choices: [{
      index: 0,
      message: { role: "assistant", content: "ok" },
      finish_reason: "stop",
    }],
    padding: "x".repeat(33_554_432),
  });
  const stream = new Blob([completion]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(stream).bytes();
  const headers = {
    "content-type": "application/json",
    "content-encoding": "gzip",
    "content-length": String(body.length),
  };
  await using upstream = startUpstream([{ headers, body }]);
  const ask = await createAsk({ upstreams: [{ base_url: upstream.url }] });
  const { status, json } = await ask();
  assertEquals([status, json.error.message], [502, "The upstream's answer is too large."]);
});

Deno.test("a tool call that never got a name is reported", async () => {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason }],
  });
  await using upstream = startUpstream([{
    frames: [
      chunk({ tool_calls: [{ index: 0, id: "call_1", function: { arguments: '{"a"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
      chunk({}, "tool_calls"),
    ],
  }]);
  const ask = await createAsk({ upstreams: [{ base_url: upstream.url }] });
  const { json: { choices: [{ message, finish_reason }] } } = await ask();
  assertEquals(finish_reason, "tool_calls");
  assertEquals(message.tool_calls, [
    { id: "call_1", type: "function", function: { name: "", arguments: '{"a":1}' } },
  ]);
});

Deno.test("an upstream that rejects both names of the token limit is called without one", async () => {
  const names = ["max_tokens", "max_completion_tokens"];
  await using upstream = startUpstream(({ body }) => {
    const name = names.find((name) => name in body);
    return name === undefined ? ok : rejecting(`Unsupported parameter: '${name}'.`);
  });
  const ask = await createAsk({ upstreams: [{ base_url: upstream.url }] });
  for (let i = 0; i < 2; i++) assertEquals((await ask({ max_tokens: 50 })).status, 200);
  assertEquals(upstream.calls.map(({ body }) => names.filter((name) => name in body)), [
    ["max_tokens"],
    ["max_completion_tokens"],
    [],
    [],
  ]);
});

Deno.test("a stream that contains only [DONE] is an error, even if its connection stays open", async () => {
  await using upstream = startUpstream([{ frames: ["data: [DONE]\n\n"], end: "stall" }]);
  const ask = await createAsk({
    upstreams: [{ base_url: upstream.url, retry: { max_attempts: 1 } }],
  });
  for (const stream of [true, false]) {
    assertEquals((await ask({ stream })).status, 502);
  }
});

Deno.test("a stream whose type is JSON reaches the client as it arrives", async () => {
  const rest = Promise.withResolvers<void>();
  await using upstream = startUpstream([{
    headers: { "content-type": "application/json" },
    content: ["It is ", "42."],
    gate: (frame) => frame > 1 ? rest.promise : undefined,
  }]);
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: "default_api_url: UPSTREAM\ndefault_model: m",
  });
  const stream = readStream(await chat({ model: "m", stream: true }));
  await stream.until(({ content }) => content === "It is ");
  rest.resolve();
  assertEquals((await stream.until(({ done }) => done)).content, "It is 42.");
});

Deno.test("an answer whose stream stays open after its finish reason is complete 2 seconds later", async () => {
  const time = createFakeClock();
  await using upstream = startUpstream([{ content: ["It is ", "42."], end: "stall" }]);
  const { chat } = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    yaml: "default_api_url: UPSTREAM\ndefault_model: m",
  });
  const stream = readStream(await chat({ model: "m", stream: true }));
  const { content, done } = await passing(time, stream.until(({ done }) => done), 100);
  assertEquals([content, done], ["It is 42.", true]);
  // Far less than the limit of a silence within the answer.
  assert(time.clock.now() < 10_000, `${time.clock.now()} ms`);
});

/** Chunks of an answer in three pieces, each with a finish reason, as some gateways send them. */
const FINISHED_CHUNKS = ["It ", "is ", "42."].map((content) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: "stop" }],
}));

/** Answers in pieces whose first chunk has a finish reason already. */
const EARLY_FINISHES = {
  "with its text": FINISHED_CHUNKS,
  "without text": [
    { choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: "stop" }] },
    ...["It is ", "42."].map((content) => ({
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    })),
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  ],
};

for (const [name, frames] of Object.entries(EARLY_FINISHES)) {
  Deno.test(`a pause after a finish reason on the first chunk ${name} does not end the answer`, async () => {
    const time = createFakeClock();
    const gates = frames.map(() => Promise.withResolvers<void>());
    let sent = 0;
    const gate = (frame: number) => {
      sent = frame;
      return gates[frame]?.promise;
    };
    await using upstream = startUpstream([{ frames, gate }]);
    const { chat } = await createTestApp({
      upstream: upstream.url,
      clock: time.clock,
      yaml: "default_api_url: UPSTREAM\ndefault_model: m",
    });
    gates[0]!.resolve();
    const answer = chat({ model: "m", stream: true })
      .then((response) => readStream(response).until(({ done }) => done));
    await waitUntil("the first chunk", () => sent > 0, () => time.advance(1));
    const isOver = () => time.clock.now() > 30_000;
    await waitUntil("30 seconds", isOver, () => time.advance(500));
    for (const gate of gates) gate.resolve();
    const { content, done } = await answer;
    assertEquals([content, done], ["It is 42.", true]);
  });
}

Deno.test("a picture of 3 MB does not count as text, and may be one line of a stream", async () => {
  const images = [{
    type: "image_url",
    image_url: { url: `data:image/png;base64,${"A".repeat(4_000_000)}` },
  }];
  const choices = (message: object) => ({
    choices: [{ index: 0, ...message, finish_reason: "stop" }],
  });
  await using upstream = startUpstream(({ body }) =>
    body.stream
      ? { frames: [choices({ delta: { content: "Here.", images } }), "data: [DONE]\n\n"] }
      : {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(choices({ message: { content: "Here.", images } })),
      }
  );
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: "default_api_url: UPSTREAM\ndefault_model: m",
  });
  const whole = await (await chat({ model: "m", max_tokens: 100 })).json();
  assertEquals(whole.choices[0].message.images, images);
  const response = await chat({ model: "m", max_tokens: 100, stream: true });
  const { chunks } = parseStream(await response.text());
  assertEquals(chunks.flatMap((chunk) => chunk.choices[0]?.delta.images ?? []), images);
});

Deno.test("a finish reason on every chunk does not end the answer", async () => {
  const time = createFakeClock();
  const gates = FINISHED_CHUNKS.map(() => Promise.withResolvers<void>());
  await using upstream = startUpstream([{
    frames: FINISHED_CHUNKS,
    gate: (frame) => gates[frame]?.promise,
  }]);
  const { chat } = await createTestApp({
    upstream: upstream.url,
    clock: time.clock,
    yaml: "default_api_url: UPSTREAM\ndefault_model: m",
  });
  gates[0]!.resolve();
  const stream = readStream(await chat({ model: "m", stream: true }));
  await stream.until(({ content }) => content === "It ");
  gates[1]!.resolve();
  await passing(time, stream.until(({ content }) => content === "It is "), 10);
  await time.advance(30_000);
  gates[2]!.resolve();
  const { content, done } = await stream.until(({ done }) => done);
  assertEquals([content, done], ["It is 42.", true]);
});

Deno.test("an answer with a finish reason on every chunk is incomplete if its connection is lost", async () => {
  await using upstream = startUpstream([{ frames: FINISHED_CHUNKS, end: "cut" }]);
  const ask = await createAsk({ upstreams: [{ base_url: upstream.url }] });
  const { status, json } = await ask();
  assertEquals([status, json.error.code], [502, "upstream_error"]);
});

Deno.test("the state of an answer reaches the client, and the provider in the next turn", async () => {
  const state = {
    reasoning_details: [{ type: "reasoning.encrypted", data: "ZW5j", index: 0 }],
    extra_content: { google: { thought_signature: "c2ln" } },
  };
  await using upstream = startUpstream(({ body }) =>
    body.stream
      ? {
        frames: [
          { choices: [{ index: 0, delta: { content: "42.", ...state }, finish_reason: null }] },
          { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
          "data: [DONE]\n\n",
        ],
      }
      : {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          choices: [{ index: 0, message: { content: "42.", ...state }, finish_reason: "stop" }],
        }),
      }
  );
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: "default_api_url: UPSTREAM\ndefault_model: m",
  });
  const question = { role: "user", content: "6 * 7?" };
  const { choices: [{ message }] } = await (await chat({ model: "m", messages: [question] }))
    .json();
  assertEquals(
    [message.reasoning_details, message.extra_content],
    [state.reasoning_details, state.extra_content],
  );
  const streamed = parseStream(
    await (await chat({ model: "m", messages: [question], stream: true })).text(),
  );
  const { reasoning_details, extra_content } = streamed.chunks
    .map((chunk) => chunk.choices[0]?.delta).find((delta) => delta?.reasoning_details);
  assertEquals({ reasoning_details, extra_content }, state);
  for (const answer of [message, { role: "assistant", content: "42." }]) {
    await (await chat({
      model: "m",
      messages: [question, answer, { role: "user", content: "Sure?" }],
    })).text();
    const { reasoning_details, extra_content } = upstream.calls.at(-1)!.body.messages[1];
    assertEquals({ reasoning_details, extra_content }, state);
  }
});

Deno.test("state that a client invents is not sent to a provider that has none", async () => {
  await using upstream = startUpstream([ok]);
  const ask = await createAsk({ upstreams: [{ base_url: upstream.url }] });
  const messages = [
    { role: "user", content: "6 * 7?" },
    { role: "assistant", content: "42.", extra_content: { google: { thought_signature: "a" } } },
    { role: "user", content: "Sure?" },
  ];
  for (let i = 0; i < 2; i++) {
    assertEquals((await ask({ messages })).status, 200);
    assertEquals(upstream.calls[i]!.body.messages[1].extra_content, undefined);
  }
});
