import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as openai4 from "@ai-sdk/openai";
import * as compatible3 from "@ai-sdk/openai-compatible";
import * as compatible2 from "@ai-sdk/openai-compatible-v2";
import * as openai3 from "@ai-sdk/openai-v3";
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

interface Combination {
  name: string;
  sdk: typeof ai7;
  modelOf(baseURL: string, id: string, apiKey?: string): ai7.LanguageModel;
  /** OpenAI's own provider shows no reasoning of Chat Completions. */
  showsReasoning: boolean;
}

function official(name: string, sdk: typeof ai7, provider: typeof openai4): Combination {
  return {
    name,
    sdk,
    modelOf: (baseURL, id, apiKey = TOKEN) => provider.createOpenAI({ baseURL, apiKey }).chat(id),
    showsReasoning: false,
  };
}

function compatible(name: string, sdk: typeof ai7, provider: typeof compatible3): Combination {
  return {
    name,
    sdk,
    modelOf: (baseURL, id, apiKey = TOKEN) =>
      provider.createOpenAICompatible({
        name: "o1-api",
        baseURL,
        apiKey,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(id),
    showsReasoning: true,
  };
}

// Both major versions fit the types of the newer one in these tests.
const older = ai6 as unknown as typeof ai7;
const COMBINATIONS = [
  official("ai 7 with @ai-sdk/openai 4", ai7, openai4),
  official("ai 6 with @ai-sdk/openai 3", older, openai3 as unknown as typeof openai4),
  compatible("ai 7 with @ai-sdk/openai-compatible 3", ai7, compatible3),
  compatible(
    "ai 6 with @ai-sdk/openai-compatible 2",
    older,
    compatible2 as unknown as typeof compatible3,
  ),
];

const prompt = QUESTION;
const maxRetries = 0;
const Result = z.object({ answer: z.number() });

for (const { name, sdk, modelOf, showsReasoning } of COMBINATIONS) {
  const { generateText, streamText, generateObject, streamObject, Output, stepCountIs, tool } = sdk;
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
      const result = await generateText({ model: modelOf(served.url, id), prompt, maxRetries });
      assertEquals([result.text, result.finishReason], [ANSWER, "stop"]);
      assertEquals(result.reasoningText ?? "", showsReasoning ? REASONING : "");
      const { inputTokens, outputTokens, totalTokens } = result.usage;
      const output = 5 * served.upstream.calls.length;
      assertEquals([inputTokens, outputTokens, totalTokens], [10, output, 10 + output]);
      const { reasoningTokens } = result.usage.outputTokenDetails;
      if (id === "o1") assertEquals(reasoningTokens, 15);
      assertEquals(result.response.modelId, id);
    });

    Deno.test(`${name}: streamText of ${id} gives reasoning, then text, then usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = streamText({ model: modelOf(served.url, id), prompt, maxRetries });
      const types: string[] = [];
      let [text, reasoning] = ["", ""];
      for await (const part of result.fullStream) {
        assert(part.type !== "error", String(part.type === "error" && part.error));
        if (types.at(-1) !== part.type) types.push(part.type);
        if (part.type === "text-delta") text += part.text;
        if (part.type === "reasoning-delta") reasoning += part.text;
      }
      assertEquals([text, reasoning], [ANSWER, showsReasoning ? REASONING : ""]);
      const order = types.filter((type) => type.endsWith("-start") || type.endsWith("-end"));
      const reasoningTypes = showsReasoning ? ["reasoning-start", "reasoning-end"] : [];
      assertEquals(order, [...reasoningTypes, "text-start", "text-end"]);
      assertEquals(await result.finishReason, "stop");
      assertEquals((await result.totalUsage).totalTokens, 10 + 5 * served.upstream.calls.length);
    });

    Deno.test(`${name}: generateObject of ${id} gives the object`, async () => {
      await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
      const model = modelOf(served.url, id);
      const { object } = await generateObject({ model, schema: Result, prompt, maxRetries });
      assertEquals(object, { answer: 4 });
      assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
    });

    Deno.test(`${name}: streamObject of ${id} gives the object`, async () => {
      await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
      const model = modelOf(served.url, id);
      const { partialObjectStream, object } = streamObject({
        model,
        schema: Result,
        prompt,
        maxRetries,
      });
      assertEquals((await Array.fromAsync(partialObjectStream)).at(-1), { answer: 4 });
      assertEquals(await object, { answer: 4 });
    });

    Deno.test(`${name}: Output.object of ${id} gives the object after prose was repaired`, async () => {
      await using served = await serve(
        thinking(id, [{ content: "It is four." }, { content: '{"answer":4}' }]),
      );
      const model = modelOf(served.url, id);
      const output = Output.object({ schema: Result });
      const result = await generateText({ model, output, prompt, maxRetries });
      assertEquals(result.output, { answer: 4 });
      assertEquals(served.visible().length, 2);
    });

    for (const stream of [false, true]) {
      Deno.test(`${name}: a tool loop on ${id} ends with the answer, stream: ${stream}`, async () => {
        await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
        const options = {
          model: modelOf(served.url, id),
          tools,
          prompt,
          maxRetries,
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
        assertEquals<unknown>(first!.toolResults[0]!.output, 4);
        assertResultSent(served);
      });
    }

    // A provider without reasoning shows nothing while the model thinks.
    if (id === "plain" || showsReasoning) {
      Deno.test(`${name}: an abort in a stream of ${id} ends the upstream call`, async () => {
        await using served = await serve(stalled(id));
        const controller = new AbortController();
        const { fullStream } = streamText({
          model: modelOf(served.url, id),
          prompt,
          maxRetries,
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
  }

  for (const { name: what, status, code, key, model: id, temperature, reply } of FAILURES) {
    Deno.test(`${name}: ${what} is an APICallError`, async () => {
      await using served = await serve([reply]);
      const options = { model: modelOf(served.url, id, key), prompt, temperature, maxRetries };
      const error = await assertRejects(() => generateText(options));
      const errors = [error];
      await streamText({ ...options, onError: ({ error }) => void errors.push(error as Error) })
        .consumeStream();
      assertEquals(errors.length, 2);
      for (const error of errors) {
        assert(sdk.APICallError.isInstance(error), String(error));
        assertEquals([error.statusCode, error.isRetryable], [status, status === 429]);
        const body = JSON.parse(error.responseBody ?? "");
        assertEquals([body.error.code, body.error.message], [code, error.message]);
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
    let finish = "";
    for await (const part of fullStream) {
      if (part.type === "text-delta") text += part.text;
      if (part.type === "finish") finish = part.finishReason;
    }
    assertEquals([text, finish, errors.length], ["The answ", "error", 1]);
  });
}
