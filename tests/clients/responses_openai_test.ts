import { assert, assertEquals, assertRejects } from "@std/assert";
import * as v7 from "openai";
import * as zod7 from "openai/helpers/zod";
import * as v6 from "openai-v6";
import * as zod6 from "openai-v6/helpers/zod";
import { z } from "zod";
import { TOKEN } from "../support/app.ts";
import {
  ADD_CALL,
  ANSWER,
  assertLeft,
  FAILURES,
  MODELS,
  QUESTION,
  serve,
  type Served,
  stalled,
  SUMMARY,
  thinking,
  WORDS,
} from "./served.ts";
import { waitUntil } from "../support/wait.ts";

/** Both major versions fit the types of the newer one in these tests. */
const VERSIONS = [
  { name: "openai 7", sdk: v7, zod: zod7 },
  { name: "openai 6", sdk: v6 as unknown as typeof v7, zod: zod6 as unknown as typeof zod7 },
];

type Response = v7.OpenAI.Responses.Response;

const input = QUESTION;
const Result = z.object({ answer: z.number() });
const tools = [{
  type: "function" as const,
  name: "add",
  strict: true,
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  },
}];

const summaryOf = ({ output }: Response) =>
  output.flatMap((item) => item.type === "reasoning" ? item.summary.map(({ text }) => text) : []);

for (const { name, sdk, zod } of VERSIONS) {
  const { OpenAI } = sdk;
  const connect = ({ url }: Served, apiKey = TOKEN) =>
    new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });

  for (const model of MODELS) {
    Deno.test(`${name}: responses.create and retrieve of ${model}`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const { responses } = connect(served);
      const response = await responses.create({ model, input });
      assertEquals([response.output_text, response.status], [ANSWER, "completed"]);
      assertEquals(summaryOf(response), [...SUMMARY[model]]);
      const { input_tokens, output_tokens } = response.usage!;
      assertEquals([input_tokens, output_tokens], [10, 5 * served.upstream.calls.length]);
      assertEquals((await responses.retrieve(response.id)).output, response.output);
      const again = await responses.retrieve(response.id, { stream: true });
      let text = "";
      for await (const event of again) {
        if (event.type === "response.output_text.delta") text += event.delta;
      }
      assertEquals(text, ANSWER);
      const items = await Array.fromAsync(await responses.inputItems.list(response.id));
      assertEquals(items.map(({ type }) => type), ["message"]);
      await responses.delete(response.id);
      await assertRejects(() => responses.retrieve(response.id), sdk.NotFoundError);
    });

    Deno.test(`${name}: a stream of a response of ${model}`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const stream = await connect(served).responses.create({ model, input, stream: true });
      let [text, reasoning] = ["", ""];
      let last: Response | undefined;
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") text += event.delta;
        if (event.type === "response.reasoning_summary_text.delta") reasoning += event.delta;
        if (event.type === "response.completed") last = event.response;
      }
      assertEquals([text, reasoning], [ANSWER, SUMMARY[model].join("")]);
      assertEquals(summaryOf(last!), [...SUMMARY[model]]);
    });

    Deno.test(`${name}: responses.stream of ${model} collects the response`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const stream = connect(served).responses.stream({ model, input });
      const deltas: string[] = [];
      stream.on("response.output_text.delta", ({ delta }) => void deltas.push(delta));
      const response = await stream.finalResponse();
      assertEquals([response.output_text, deltas.join("")], [ANSWER, ANSWER]);
      assertEquals(summaryOf(response), [...SUMMARY[model]]);
    });

    Deno.test(`${name}: responses.parse with ${model} returns the object`, async () => {
      await using served = await serve(thinking(model, [{ content: ['{"answer"', ": 4}"] }]));
      const { responses } = connect(served);
      const text = { format: zod.zodTextFormat(Result, "result") };
      const response = await responses.parse({ model, input, text });
      assertEquals(response.output_parsed, { answer: 4 });
      const streamed = await responses.stream({ model, input, text }).finalResponse();
      assertEquals(streamed.output_parsed, { answer: 4 });
    });

    for (const stream of [false, true]) {
      Deno.test(`${name}: a tool loop of responses on ${model}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(model, [ADD_CALL, WORDS]));
        const { responses } = connect(served);
        const ask = async (body: v7.OpenAI.Responses.ResponseCreateParamsNonStreaming) =>
          stream
            ? await responses.stream({ ...body, stream: true }).finalResponse()
            : await responses.create(body);
        const first = await ask({ model, input, tools });
        const call = first.output.find(({ type }) => type === "function_call");
        assert(call?.type === "function_call");
        assertEquals([call.call_id, call.name, call.arguments], [
          "call_add_1",
          "add",
          '{"a":2,"b":2}',
        ]);
        const output = {
          type: "function_call_output" as const,
          call_id: call.call_id,
          output: "4",
        };
        const second = await ask({
          model,
          tools,
          input: [output],
          previous_response_id: first.id,
        });
        assertEquals(second.output_text, ANSWER);
        const sent = served.visible()[1]!.body.messages;
        const roles = sent.map(({ role }: { role: string }) => role);
        assertEquals(roles.filter((role: string) => role !== "system").slice(0, 3), [
          "user",
          "assistant",
          "tool",
        ]);
      });
    }

    Deno.test(`${name}: an abort in a stream of a response of ${model} ends the upstream call`, async () => {
      await using served = await serve(stalled(model));
      const stream = await connect(served).responses.create({ model, input, stream: true });
      for await (const event of stream) {
        if (event.type.endsWith(".delta")) break;
      }
      await assertLeft(served);
    });
  }

  Deno.test(`${name}: a background response can be polled, and its stream resumed`, async () => {
    await using served = await serve(thinking("o1", [WORDS]));
    const { responses } = connect(served);
    let response = await responses.create({ model: "o1", input, background: true });
    await waitUntil("the end of the response", async () => {
      response = await responses.retrieve(response.id);
      return response.status !== "queued" && response.status !== "in_progress";
    });
    assertEquals(response.output_text, ANSWER);
    const stream = responses.stream({ response_id: response.id, starting_after: 3 });
    const events = await Array.fromAsync(stream);
    assertEquals(events.map(({ sequence_number }) => sequence_number)[0], 4);
    assertEquals((await stream.finalResponse()).output_text, ANSWER);
    await assertRejects(() => responses.cancel(response.id), sdk.BadRequestError);
  });

  Deno.test(`${name}: a background response can be cancelled`, async () => {
    await using served = await serve(stalled("plain"));
    const { responses } = connect(served);
    const { id } = await responses.create({ model: "plain", input, background: true });
    await served.upstream.called();
    assertEquals((await responses.cancel(id)).status, "cancelled");
    await served.upstream.calls[0]!.left;
    assertEquals((await responses.retrieve(id)).status, "cancelled");
  });

  Deno.test(`${name}: a conversation can be created, used and read`, async () => {
    await using served = await serve(thinking("plain", [WORDS]));
    const { responses, conversations } = connect(served);
    const { id } = await conversations.create();
    await responses.create({ model: "plain", input, conversation: id });
    await responses.create({ model: "plain", input: "Sure?", conversation: { id } });
    const sent = served.upstream.calls[1]!.body.messages;
    assertEquals(sent.map(({ content }: { content: string }) => content), [
      QUESTION,
      ANSWER,
      "Sure?",
    ]);
    const items = await Array.fromAsync(conversations.items.list(id, { limit: 2 }));
    assertEquals(items.length, 6);
    assertEquals((await conversations.delete(id)).deleted, true);
    await assertRejects(() => conversations.retrieve(id), sdk.NotFoundError);
  });

  Deno.test(`${name}: input tokens are counted`, async () => {
    await using served = await serve(thinking("plain", [WORDS]));
    const { input_tokens } = await connect(served).responses.inputTokens.count({
      model: "plain",
      input,
      tools,
    });
    assert(input_tokens > 10);
  });

  const CLASSES: Record<number, new (...args: never[]) => v7.APIError> = {
    400: sdk.BadRequestError,
    401: sdk.AuthenticationError,
    404: sdk.NotFoundError,
    429: sdk.RateLimitError,
  };

  for (const { name: what, status, code, key, model, temperature, reply } of FAILURES) {
    for (const stream of [false, true]) {
      Deno.test(`${name}: ${what} throws an error of its class, stream: ${stream}`, async () => {
        await using served = await serve([reply]);
        const error = await assertRejects(
          () => connect(served, key).responses.create({ model, input, temperature, stream }),
          sdk.APIError,
        );
        assert(error instanceof CLASSES[status]!);
        assertEquals([error.status, error.code], [status, code]);
      });
    }
  }

  Deno.test(`${name}: a stream that breaks after some text throws`, async () => {
    await using served = await serve([{ content: ["The answ"], finish: null, end: "cut" }]);
    const { responses } = connect(served);
    let text = "";
    await assertRejects(async () => {
      const stream = await responses.create({ model: "plain", input, stream: true });
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") text += event.delta;
      }
    }, sdk.APIError);
    assertEquals(text, "The answ");
    const helper = responses.stream({ model: "plain", input });
    await assertRejects(() => helper.finalResponse(), sdk.APIError);
  });
}
