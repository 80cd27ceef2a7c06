import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { createTestApp, TOKEN } from "../support/app.ts";
import { pieces, type Reply, startUpstream, step, type Upstream } from "../support/upstream.ts";

const STEPS: Reply[] = [
  { content: pieces(step("Understand", "Add two and two.")) },
  { content: pieces(step("Compute", "2 + 2 = 4.")) },
  { content: pieces(step("Check", "Counting on: 3, 4.", "final_answer")) },
  { content: pieces("The answer is 4.") },
];
const REASONING =
  "**Understand**\n\nAdd two and two.\n\n**Compute**\n\n2 + 2 = 4.\n\n**Check**\n\nCounting on: 3, 4.\n\n";

const messages = [{ role: "user" as const, content: "What is 2 + 2?" }];

interface Setup extends AsyncDisposable {
  client: OpenAI;
  upstream: Upstream;
}

/** Connects OpenAI's client over HTTP to the app, which has a scripted upstream. */
async function connect(
  script: Parameters<typeof startUpstream>[0],
  apiKey = TOKEN,
): Promise<Setup> {
  const upstream = startUpstream(script);
  const app = await createTestApp({ upstream: upstream.url });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const client = new OpenAI({
    apiKey,
    baseURL: `http://127.0.0.1:${server.addr.port}/v1`,
    maxRetries: 0,
  });
  return {
    client,
    upstream,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Fields that the client's types lack. */
type Thoughts = { reasoning?: string; reasoning_content?: string };

Deno.test("create returns the answer with its reasoning, usage and request id", async () => {
  await using setup = await connect(STEPS);
  const completion = await setup.client.chat.completions.create({ model: "o1", messages });
  const message: OpenAI.ChatCompletionMessage & Thoughts = completion.choices[0]!.message;
  assertEquals(message.content, "The answer is 4.");
  assertEquals([message.reasoning_content, message.reasoning], [REASONING, REASONING]);
  assertEquals(completion.choices[0]!.finish_reason, "stop");
  assertEquals(completion.model, "o1");
  assertEquals(completion.usage?.completion_tokens_details?.reasoning_tokens, 15);
  assertMatch(completion._request_id ?? "", /^req_/);
});

Deno.test("create works with a model that passes requests through", async () => {
  await using setup = await connect([{ content: "4" }]);
  const completion = await setup.client.chat.completions.create({
    model: "plain",
    messages,
    max_tokens: 100,
    temperature: 0.2,
  });
  assertEquals(completion.choices[0]!.message.content, "4");
  assertEquals(setup.upstream.calls[0]!.body.temperature, 0.2);
});

for (const model of ["o1", "plain"]) {
  Deno.test(`a stream of ${model} is read chunk by chunk`, async () => {
    await using setup = await connect(
      model === "o1" ? STEPS : [{ reasoning: REASONING, content: pieces("The answer is 4.") }],
    );
    const stream = await setup.client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let content = "";
    let reasoning = "";
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      usage = chunk.usage;
      const [choice] = chunk.choices;
      if (choice === undefined) continue;
      assertEquals(usage, null);
      assertEquals(finish, null, "nothing follows the finish but the usage");
      const delta: typeof choice.delta & Thoughts = choice.delta;
      content += delta.content ?? "";
      reasoning += delta.reasoning_content ?? "";
      finish = choice.finish_reason;
    }
    assertEquals([content, reasoning, finish], ["The answer is 4.", REASONING, "stop"]);
    assertEquals(usage?.total_tokens, usage!.prompt_tokens + usage!.completion_tokens);
    assert(usage!.completion_tokens > 0);
  });

  Deno.test(`the stream helper collects a stream of ${model}`, async () => {
    await using setup = await connect(model === "o1" ? STEPS : [STEPS[3]!]);
    const stream = setup.client.chat.completions.stream({
      model,
      messages,
      stream_options: { include_usage: true },
    });
    assertEquals(await stream.finalContent(), "The answer is 4.");
    assertEquals((await stream.totalUsage()).prompt_tokens, 10);
    const completion = await stream.finalChatCompletion();
    assertEquals(completion.choices[0]!.finish_reason, "stop");
  });
}

Deno.test("without include_usage no chunk has usage", async () => {
  await using setup = await connect(STEPS);
  const stream = await setup.client.chat.completions.create({
    model: "o1",
    messages,
    stream: true,
  });
  for await (const chunk of stream) {
    assert(!("usage" in chunk));
    assertEquals(chunk.choices.length, 1);
  }
});

Deno.test("tool calls are complete, streamed or not", async () => {
  const calls = [
    { id: "call_1", name: "add", arguments: ['{"a":', "1}"] },
    { id: "call_2", name: "sub", arguments: ["{}"] },
  ];
  const tools = ["add", "sub"].map((name) => ({
    type: "function" as const,
    function: { name, parameters: { type: "object", properties: {} } },
  }));
  const expected = [["call_1", "add", '{"a":1}'], ["call_2", "sub", "{}"]];
  await using setup = await connect([{ content: "Let me see.", toolCalls: calls }]);
  const body = { model: "plain", messages, tools };
  const read = ({ choices: [choice] }: OpenAI.ChatCompletion) => {
    assertEquals(choice!.finish_reason, "tool_calls");
    return choice!.message.tool_calls?.map((call) => {
      assert(call.type === "function");
      return [call.id, call.function.name, call.function.arguments];
    });
  };
  assertEquals(read(await setup.client.chat.completions.create(body)), expected);
  const stream = setup.client.chat.completions.stream(body);
  assertEquals(read(await stream.finalChatCompletion()), expected);
});

Deno.test("a wrong key is an AuthenticationError", async () => {
  await using setup = await connect([{ content: "4" }], "wrong-key");
  const error = await assertRejects(
    () => setup.client.chat.completions.create({ model: "o1", messages }),
    AuthenticationError,
  );
  assertEquals([error.status, error.code], [401, "invalid_api_key"]);
  assertEquals(setup.upstream.calls.length, 0);
});

Deno.test("an unknown model or path is a NotFoundError", async () => {
  await using setup = await connect([{ content: "4" }]);
  const error = await assertRejects(
    () => setup.client.chat.completions.create({ model: "gpt-17", messages }),
    NotFoundError,
  );
  assertEquals(error.code, "model_not_found");
  await assertRejects(() => setup.client.models.retrieve("gpt-17"), NotFoundError);
  await assertRejects(() => setup.client.get("/nowhere"), NotFoundError);
});

Deno.test("an invalid field is a BadRequestError that names it", async () => {
  await using setup = await connect([{ content: "4" }]);
  const error = await assertRejects(
    () => setup.client.chat.completions.create({ model: "o1", messages: [] }),
    BadRequestError,
  );
  assertEquals([error.param, error.type], ["messages", "invalid_request_error"]);
});

for (const stream of [true, false]) {
  Deno.test(`an upstream failure before the first token keeps its status, stream: ${stream}`, async () => {
    let status = 429;
    await using setup = await connect(() => ({
      status,
      body: '{"error":{"message":"no"}}',
      headers: { "retry-after": "7" },
    }));
    const ask = () => setup.client.chat.completions.create({ model: "plain", messages, stream });
    const limited = await assertRejects(ask, RateLimitError);
    assertEquals([limited.code, limited.type], ["rate_limit_exceeded", "rate_limit_error"]);
    assertEquals(limited.headers?.get("retry-after"), "7");
    status = 401;
    const refused = await assertRejects(ask, APIError);
    assertEquals([refused.status, refused.code], [424, "upstream_auth_error"]);
    status = 503;
    assertEquals((await assertRejects(ask, InternalServerError)).status, 503);
    status = 400;
    assertEquals((await assertRejects(ask, BadRequestError)).code, "upstream_rejected");
  });
}

Deno.test("a failure in the middle of a stream is an APIError after the text so far", async () => {
  await using setup = await connect([{ content: ["The ", "answer"], finish: null, end: "cut" }]);
  const stream = await setup.client.chat.completions.create({
    model: "plain",
    messages,
    stream: true,
  });
  let content = "";
  const error = await assertRejects(async () => {
    for await (const chunk of stream) content += chunk.choices[0]!.delta.content ?? "";
  }, APIError);
  assertEquals(content, "The answer");
  assertEquals([error.status, error.code], [undefined, "upstream_error"]);
});

for (const model of ["plain", "o1"]) {
  Deno.test(`breaking out of a stream of ${model} ends the upstream call`, async () => {
    const text = model === "o1" ? step("Understand", "Add.").slice(0, -8) : "The answer";
    await using setup = await connect([{ content: pieces(text), end: "stall" }]);
    const stream = await setup.client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      const delta: (typeof chunk.choices)[0]["delta"] & Thoughts = chunk.choices[0]!.delta;
      if (delta.content || delta.reasoning) break;
    }
    await setup.upstream.calls[0]!.left;
    assertEquals(setup.upstream.open, 0);
  });
}

/** Aborts a request before its answer; resolves when the upstream has noticed. */
async function abortBeforeAnswer(stream: boolean): Promise<void> {
  await using setup = await connect([{ before: new Promise(() => {}) }]);
  const controller = new AbortController();
  const answer = setup.client.chat.completions.create(
    { model: "plain", messages, stream },
    { signal: controller.signal },
  );
  const rejected = assertRejects(() => answer, APIUserAbortError);
  await setup.upstream.called();
  controller.abort();
  await rejected;
  await setup.upstream.calls[0]!.left;
  assertEquals(setup.upstream.open, 0);
}

Deno.test("an abort of a stream before its first token ends the upstream call", async () => {
  await abortBeforeAnswer(true);
});

Deno.test("an abort of a JSON request before its answer ends the upstream call", async () => {
  await abortBeforeAnswer(false);
});

Deno.test("the models are listed, and each can be retrieved", async () => {
  await using setup = await connect([]);
  const list = await Array.fromAsync(setup.client.models.list());
  assertEquals(list.map((model) => [model.id, model.object]), [["o1", "model"], [
    "plain",
    "model",
  ]]);
  const model = await setup.client.models.retrieve("plain");
  assertEquals(model, list[1]!);
  assertEquals(setup.upstream.calls.length, 0);
});
