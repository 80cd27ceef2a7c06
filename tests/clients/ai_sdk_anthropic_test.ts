import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as anthropic4 from "@ai-sdk/anthropic";
import * as anthropic3 from "@ai-sdk/anthropic-v3";
import * as ai7 from "ai";
import * as ai6 from "ai-v6";
import { z } from "zod";
import { TOKEN } from "../support/app.ts";
import {
  ADD_CALL,
  ANSWER,
  assertLeft,
  assertResultSent,
  FAILURES,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  stalled,
  thinking,
  WORDS,
} from "./served.ts";

// Both major versions fit the types of the newer one in these tests.
const COMBINATIONS: [string, typeof ai7, typeof anthropic4][] = [
  ["ai 7 with @ai-sdk/anthropic 4", ai7, anthropic4],
  [
    "ai 6 with @ai-sdk/anthropic 3",
    ai6 as unknown as typeof ai7,
    anthropic3 as unknown as typeof anthropic4,
  ],
];

const prompt = QUESTION;
const maxRetries = 0;
const providerOptions = {
  anthropic: { thinking: { type: "enabled" as const, budgetTokens: 2_000 } },
};
const Result = z.object({ answer: z.number() });

for (const [name, sdk, provider] of COMBINATIONS) {
  const { generateText, streamText, generateObject, stepCountIs, tool } = sdk;
  const modelOf = (baseURL: string, id: string, apiKey = TOKEN) =>
    provider.createAnthropic({ baseURL, apiKey })(id);
  const tools = {
    add: tool({
      description: "Adds two numbers.",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      execute: ({ a, b }) => a + b,
    }),
  };

  for (const id of MODELS) {
    Deno.test(`${name}: generateText of ${id} gives text, reasoning and usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const model = modelOf(served.url, id);
      const result = await generateText({ model, prompt, maxRetries, providerOptions });
      assertEquals([result.text, result.finishReason], [ANSWER, "stop"]);
      assertEquals(result.reasoningText, REASONING);
      const { inputTokens, outputTokens } = result.usage;
      assertEquals([inputTokens, outputTokens], [10, 5 * served.upstream.calls.length]);
      assertEquals(result.response.modelId, id);
    });

    Deno.test(`${name}: streamText of ${id} gives reasoning, then text, then usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = streamText({
        model: modelOf(served.url, id),
        prompt,
        maxRetries,
        providerOptions,
      });
      const order: string[] = [];
      let [text, reasoning] = ["", ""];
      for await (const part of result.fullStream) {
        assert(part.type !== "error", String(part.type === "error" && part.error));
        if (/-(start|end)$/.test(part.type)) order.push(part.type);
        if (part.type === "text-delta") text += part.text;
        if (part.type === "reasoning-delta") reasoning += part.text;
      }
      assertEquals([text, reasoning], [ANSWER, REASONING]);
      assertEquals(order, ["reasoning-start", "reasoning-end", "text-start", "text-end"]);
      assertEquals(await result.finishReason, "stop");
      assertEquals((await result.totalUsage).totalTokens, 10 + 5 * served.upstream.calls.length);
    });

    for (const stream of [false, true]) {
      Deno.test(`${name}: a tool loop on ${id} ends with the answer, stream: ${stream}`, async () => {
        await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
        const options = {
          model: modelOf(served.url, id),
          tools,
          prompt,
          maxRetries,
          providerOptions,
          stopWhen: stepCountIs(3),
        };
        const result = stream ? streamText(options) : await generateText(options);
        assertEquals(await result.text, ANSWER);
        const [first, second, ...more] = await result.steps;
        assertEquals([first!.finishReason, second!.finishReason], ["tool-calls", "stop"]);
        assertEquals(more.length, 0);
        const [call] = first!.toolCalls;
        assertEquals([call!.toolCallId, call!.toolName], ["call_add_1", "add"]);
        assertEquals<unknown>(call!.input, { a: 2, b: 2 });
        assertResultSent(served);
      });
    }

    Deno.test(`${name}: an abort in a stream of ${id} ends the upstream call`, async () => {
      await using served = await serve(stalled(id));
      const controller = new AbortController();
      const { fullStream } = streamText({
        model: modelOf(served.url, id),
        prompt,
        maxRetries,
        providerOptions,
        abortSignal: controller.signal,
      });
      const types: string[] = [];
      for await (const part of fullStream) {
        types.push(part.type);
        if (part.type.endsWith("-delta")) controller.abort();
      }
      assertEquals(types.at(-1), "abort");
      await assertLeft(served);
    });
  }

  Deno.test(`${name}: generateObject gives the object through a call of its tool`, async () => {
    const call = { id: "call_json", name: "json", arguments: '{"answer":4}' };
    await using served = await serve([{ toolCalls: [call] }]);
    const model = modelOf(served.url, "plain");
    const { object } = await generateObject({ model, schema: Result, prompt, maxRetries });
    assertEquals(object, { answer: 4 });
    assertEquals(served.visible()[0]!.body.tools[0].function.name, "json");
  });

  for (const { name: what, status, key, model: id, reply } of FAILURES.slice(1)) {
    Deno.test(`${name}: ${what} is an APICallError`, async () => {
      await using served = await serve([reply]);
      const options = { model: modelOf(served.url, id, key), prompt, maxRetries };
      const errors = [await assertRejects(() => generateText(options))];
      await streamText({ ...options, onError: ({ error }) => void errors.push(error as Error) })
        .consumeStream();
      assertEquals(errors.length, 2);
      for (const error of errors) {
        assert(sdk.APICallError.isInstance(error), String(error));
        assertEquals([error.statusCode, error.isRetryable], [status, status === 429]);
        assertEquals(JSON.parse(error.responseBody ?? "").error.message, error.message);
      }
    });
  }

  Deno.test(`${name}: a stream that breaks after some text ends with an error part`, async () => {
    await using served = await serve([{ content: ["The answ"], finish: null, end: "cut" }]);
    const errors: unknown[] = [];
    const { fullStream } = streamText({
      model: modelOf(served.url, "plain"),
      prompt,
      onError: ({ error }) => void errors.push(error),
    });
    let text = "";
    for await (const part of fullStream) if (part.type === "text-delta") text += part.text;
    assertEquals([text, errors.length], ["The answ", 1]);
  });
}
