import "./setup.ts";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import Sdk1 from "@anthropic-ai/sdk";
import Sdk0 from "@anthropic-ai/sdk-v0";
import { TOKEN } from "../support/app.ts";
import {
  ADD_CALL,
  ANSWER,
  assertLeft,
  assertResultSent,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  stalled,
  thinking,
  WORDS,
} from "./served.ts";

// Both major versions fit the types of the newer one in these tests.
const SDKS: [string, typeof Sdk1][] = [
  ["@anthropic-ai/sdk 1", Sdk1],
  ["@anthropic-ai/sdk 0", Sdk0 as unknown as typeof Sdk1],
];

const QUESTION_BODY = {
  max_tokens: 4_000,
  messages: [{ role: "user" as const, content: QUESTION }],
};
const THINKING_BODY = {
  ...QUESTION_BODY,
  thinking: { type: "enabled" as const, budget_tokens: 2_000 },
};
const tools = [{
  name: "add",
  description: "Adds two numbers.",
  input_schema: {
    type: "object" as const,
    properties: { a: { type: "number" }, b: { type: "number" } },
  },
}];

for (const [name, Anthropic] of SDKS) {
  // One version sends a bearer token, the other a header of its own.
  const connect = (url: string, apiKey = TOKEN) =>
    new Anthropic({ baseURL: url.replace(/\/v1$/, ""), apiKey, maxRetries: 0 });

  const textOf = ({ content }: Sdk1.Message) =>
    content.map((block) => block.type === "text" ? block.text : "").join("");
  const thoughtOf = ({ content }: Sdk1.Message) =>
    content.map((block) => block.type === "thinking" ? block.thinking : "").join("");

  for (const model of MODELS) {
    Deno.test(`${name}: a message of ${model} has thinking, text and usage`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const message = await connect(served.url).messages.create({ ...THINKING_BODY, model });
      assertEquals([textOf(message), thoughtOf(message)], [ANSWER, REASONING]);
      assertEquals([message.stop_reason, message.model], ["end_turn", model]);
      const { input_tokens, output_tokens } = message.usage;
      assertEquals([input_tokens, output_tokens], [10, 5 * served.upstream.calls.length]);
    });

    Deno.test(`${name}: a stream of ${model} has thinking, then text, then its end`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const types: string[] = [];
      const stream = connect(served.url).messages.stream({ ...THINKING_BODY, model })
        .on("thinking", () => void types.push("thinking"))
        .on("signature", () => void types.push("signature"))
        .on("text", () => void types.push("text"));
      const message = await stream.finalMessage();
      assertEquals([textOf(message), thoughtOf(message)], [ANSWER, REASONING]);
      assertEquals(types.filter((type, index) => type !== types[index - 1]), [
        "thinking",
        "signature",
        "text",
      ]);
      assertEquals(await stream.finalText(), ANSWER);
      const { input_tokens, output_tokens } = message.usage;
      assertEquals([input_tokens, output_tokens], [10, 5 * served.upstream.calls.length]);
    });

    Deno.test(`${name}: raw events of ${model} are of known types`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const stream = await connect(served.url).messages.create({
        ...QUESTION_BODY,
        model,
        stream: true,
      });
      const types: string[] = [];
      for await (const { type } of stream) if (types.at(-1) !== type) types.push(type);
      assertEquals(types.filter((type) => (type as string) !== "ping"), [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
      ]);
    });

    Deno.test(`${name}: a tool loop on ${model} ends with the answer`, async () => {
      await using served = await serve(thinking(model, [ADD_CALL, WORDS]));
      const client = connect(served.url);
      const messages: Sdk1.MessageParam[] = [...QUESTION_BODY.messages];
      const body = { ...THINKING_BODY, model, tools, messages };
      const first = await client.messages.stream(body).finalMessage();
      assertEquals(first.stop_reason, "tool_use");
      const call = first.content.at(-1)!;
      assert(call.type === "tool_use");
      assertEquals<unknown>([call.id, call.name, call.input], ["call_add_1", "add", {
        a: 2,
        b: 2,
      }]);
      messages.push({ role: "assistant", content: first.content as Sdk1.ContentBlockParam[] });
      messages.push({
        role: "user",
        content: [{ type: "tool_result", tool_use_id: call.id, content: "4" }],
      });
      const second = await client.messages.create(body);
      assertEquals([second.stop_reason, textOf(second)], ["end_turn", ANSWER]);
      assertResultSent(served);
    });

    Deno.test(`${name}: an abort in a stream of ${model} ends the upstream call`, async () => {
      await using served = await serve(stalled(model));
      const stream = connect(served.url).messages.stream({ ...THINKING_BODY, model });
      const error = await assertRejects(async () => {
        for await (const { type } of stream) if (type === "content_block_delta") stream.abort();
        await stream.finalMessage();
      });
      assertInstanceOf(error, Anthropic.APIUserAbortError);
      await assertLeft(served);
    });
  }

  Deno.test(`${name}: a refusal has the stop reason refusal`, async () => {
    await using served = await serve([{
      frames: [
        { choices: [{ index: 0, delta: { refusal: "I can't." } }] },
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      ],
    }]);
    const message = await connect(served.url).messages.stream({ ...QUESTION_BODY, model: "plain" })
      .finalMessage();
    assertEquals([message.stop_reason, textOf(message)], ["refusal", "I can't."]);
  });

  Deno.test(`${name}: an answer follows its schema`, async () => {
    await using served = await serve([{ content: '{"answer":4}' }]);
    const schema = {
      type: "object",
      properties: { answer: { type: "number" } },
      required: ["answer"],
      additionalProperties: false,
    };
    const message = await connect(served.url).messages.create({
      ...QUESTION_BODY,
      model: "plain",
      output_config: { format: { type: "json_schema", schema } },
    });
    assertEquals(JSON.parse(textOf(message)), { answer: 4 });
    assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
  });

  Deno.test(`${name}: tokens are counted and models listed`, async () => {
    await using served = await serve([WORDS]);
    const client = connect(served.url);
    const { input_tokens } = await client.messages.countTokens({
      model: "o1",
      messages: QUESTION_BODY.messages,
      tools,
    });
    assert(input_tokens > 20);
    const ids: string[] = [];
    for await (const { id } of client.models.list({ limit: 1 })) ids.push(id);
    assertEquals(ids, [...MODELS]);
    assertEquals((await client.models.retrieve("plain")).display_name, "plain");
  });

  const limit = { status: 429, body: '{"error":{"message":"slow down"}}' };
  const busy = { status: 503, body: '{"error":{"message":"busy"}}' };
  const failures = [
    { what: "a wrong field", error: Anthropic.BadRequestError, body: { max_tokens: 0 } },
    { what: "a wrong key", error: Anthropic.AuthenticationError, key: "wrong-key" },
    { what: "an unknown model", error: Anthropic.NotFoundError, body: { model: "gpt-17" } },
    { what: "an upstream at its limit", error: Anthropic.RateLimitError, reply: limit },
    { what: "an upstream that is busy", error: Anthropic.InternalServerError, reply: busy },
  ];
  for (const { what, error: errorClass, body, key, reply } of failures) {
    Deno.test(`${name}: ${what} is a ${errorClass.name}`, async () => {
      await using served = await serve([{ ...(reply ?? WORDS), headers: { "retry-after": "99" } }]);
      for (const stream of [false, true]) {
        const request = { ...QUESTION_BODY, model: "plain", ...body, stream };
        const error = await assertRejects(() => connect(served.url, key).messages.create(request));
        assertInstanceOf(error, errorClass);
        const { type, message } = (error.error as Sdk1.ErrorResponse).error;
        assert(type.endsWith("_error") && message !== "", type);
        assertEquals(error.requestID?.slice(0, 4), "req_");
      }
    });
  }

  Deno.test(`${name}: a stream that breaks after some text throws`, async () => {
    await using served = await serve([{ content: ["The answ"], finish: null, end: "cut" }]);
    const stream = connect(served.url).messages.stream({ ...QUESTION_BODY, model: "plain" });
    let text = "";
    stream.on("text", (delta) => void (text += delta));
    const error = await assertRejects(() => stream.finalMessage());
    assertInstanceOf(error, Anthropic.APIError);
    assertEquals(text, "The answ");
  });
}
