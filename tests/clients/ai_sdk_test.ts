import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as anthropic4 from "@ai-sdk/anthropic";
import * as anthropic3 from "@ai-sdk/anthropic-v3";
import { createOpenResponses } from "@ai-sdk/open-responses";
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
  conversationSent,
  FAILURES,
  type ModelId,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  stalled,
  SUMMARY,
  thinking,
  WORDS,
} from "./served.ts";

interface Combination {
  name: string;
  sdk: typeof ai7;
  api: "chat" | "responses" | "messages";
  modelOf(baseURL: string, id: string, apiKey?: string): ai7.LanguageModel;
  /** The parts of the reasoning that the provider shows. */
  reasoning(id: ModelId): readonly string[];
  providerOptions?: Parameters<typeof ai7.generateText>[0]["providerOptions"];
  /** Values of the provider's option `store` to test, besides its default. */
  stores?: boolean[];
}

/** OpenAI's own provider, which shows no reasoning of Chat Completions. */
function openAi(name: string, sdk: typeof ai7, provider: typeof openai4): Combination[] {
  const { createOpenAI } = provider;
  return [
    {
      name: `${name}, chat`,
      sdk,
      api: "chat",
      modelOf: (baseURL, id, apiKey = TOKEN) => createOpenAI({ baseURL, apiKey }).chat(id),
      reasoning: () => [],
    },
    {
      name: `${name}, responses`,
      sdk,
      api: "responses",
      modelOf: (baseURL, id, apiKey = TOKEN) => createOpenAI({ baseURL, apiKey })(id),
      reasoning: (id) => SUMMARY[id],
      stores: [false],
    },
  ];
}

function compatible(name: string, sdk: typeof ai7, provider: typeof compatible3): Combination {
  const settings = { name: "o1-api", includeUsage: true, supportsStructuredOutputs: true };
  return {
    name,
    sdk,
    api: "chat",
    modelOf: (baseURL, id, apiKey = TOKEN) =>
      provider.createOpenAICompatible({ ...settings, baseURL, apiKey })(id),
    reasoning: () => [REASONING],
  };
}

function anthropic(name: string, sdk: typeof ai7, provider: typeof anthropic4): Combination {
  return {
    name,
    sdk,
    api: "messages",
    modelOf: (baseURL, id, apiKey = TOKEN) => provider.createAnthropic({ baseURL, apiKey })(id),
    reasoning: () => [REASONING],
    providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 2_000 } } },
  };
}

// Both major versions fit the types of the newer one in these tests.
const older = ai6 as unknown as typeof ai7;
const COMBINATIONS: Combination[] = [
  ...openAi("ai 7 with @ai-sdk/openai 4", ai7, openai4),
  ...openAi("ai 6 with @ai-sdk/openai 3", older, openai3 as unknown as typeof openai4),
  compatible("ai 7 with @ai-sdk/openai-compatible 3", ai7, compatible3),
  compatible(
    "ai 6 with @ai-sdk/openai-compatible 2",
    older,
    compatible2 as unknown as typeof compatible3,
  ),
  anthropic("ai 7 with @ai-sdk/anthropic 4", ai7, anthropic4),
  anthropic(
    "ai 6 with @ai-sdk/anthropic 3",
    older,
    anthropic3 as unknown as typeof anthropic4,
  ),
  {
    name: "ai 7 with @ai-sdk/open-responses 2",
    sdk: ai7,
    api: "responses",
    modelOf: (baseURL, id, apiKey = TOKEN) =>
      createOpenResponses({ name: "o1-api", url: `${baseURL}/responses`, apiKey })(id),
    reasoning: (id) => [SUMMARY[id].join("")],
  },
];

const prompt = QUESTION;
const maxRetries = 0;
const Result = z.object({ answer: z.number() });

for (const { name, sdk, api, modelOf, reasoning, providerOptions, stores = [] } of COMBINATIONS) {
  const { generateText, streamText, generateObject, streamObject, Output, stepCountIs, tool } = sdk;
  const shared = {
    prompt,
    maxRetries,
    ...(providerOptions === undefined ? {} : { providerOptions }),
  };
  const tools = {
    add: tool({
      description: "Adds two numbers.",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      execute: ({ a, b }) => a + b,
    }),
  };

  for (const id of MODELS) {
    Deno.test(`${name}: generateText with ${id} returns text, reasoning and usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = await generateText({ model: modelOf(served.url, id), ...shared });
      assertEquals([result.text, result.finishReason], [ANSWER, "stop"]);
      assertEquals(
        result.reasoning.map((part) => "text" in part ? part.text : "").join(""),
        reasoning(id).join(""),
      );
      const { inputTokens, outputTokens, totalTokens } = result.usage;
      const output = 5 * served.upstream.calls.length;
      assertEquals([inputTokens, outputTokens, totalTokens], [10, output, 10 + output]);
      const { reasoningTokens } = result.usage.outputTokenDetails;
      if (id === "o1" && api !== "messages") assertEquals(reasoningTokens, 15);
      assertEquals(result.response.modelId, id);
    });

    Deno.test(`${name}: streamText with ${id} returns reasoning, then text, then usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = streamText({ model: modelOf(served.url, id), ...shared });
      const order: string[] = [];
      let [text, thoughts] = ["", ""];
      for await (const part of result.fullStream) {
        assert(part.type !== "error", String(part.type === "error" && part.error));
        if (/^(text|reasoning)-(start|end)$/.test(part.type)) order.push(part.type);
        if (part.type === "text-delta") text += part.text;
        if (part.type === "reasoning-delta") thoughts += part.text;
      }
      assertEquals([text, thoughts], [ANSWER, reasoning(id).join("")]);
      const parts = reasoning(id).flatMap(() => ["reasoning-start", "reasoning-end"]);
      assertEquals(order, [...parts, "text-start", "text-end"]);
      assertEquals(await result.finishReason, "stop");
      assertEquals((await result.totalUsage).totalTokens, 10 + 5 * served.upstream.calls.length);
    });

    for (const stream of [false, true]) {
      for (const store of [undefined, ...stores]) {
        const variant = `stream: ${stream}${store === undefined ? "" : `, store: ${store}`}`;
        Deno.test(`${name}: a tool loop on ${id} ends with the answer, ${variant}`, async () => {
          await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
          const options = {
            model: modelOf(served.url, id),
            tools,
            stopWhen: stepCountIs(3),
            ...shared,
            ...(store === undefined ? {} : { providerOptions: { openai: { store } } }),
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
          assertEquals(conversationSent(served, 1), [prompt]);
        });
      }
    }

    // A provider without reasoning shows nothing while the model thinks.
    if (id === "plain" || reasoning(id).length > 0) {
      Deno.test(`${name}: an abort in a stream of ${id} ends the upstream call`, async () => {
        await using served = await serve(stalled(id));
        const controller = new AbortController();
        const model = modelOf(served.url, id);
        const { fullStream } = streamText({ model, ...shared, abortSignal: controller.signal });
        const types: string[] = [];
        for await (const part of fullStream) {
          types.push(part.type);
          if (part.type.endsWith("-delta")) controller.abort();
        }
        assertEquals(types.at(-1), "abort");
        await assertLeft(served);
      });
    }

    if (api !== "messages") {
      Deno.test(`${name}: Output.object with ${id} returns the object after prose was repaired`, async () => {
        await using served = await serve(
          thinking(id, [{ content: "It is four." }, { content: '{"answer":4}' }]),
        );
        const output = Output.object({ schema: Result });
        const result = await generateText({ model: modelOf(served.url, id), output, ...shared });
        assertEquals(result.output, { answer: 4 });
        assertEquals(served.visible().length, 2);
      });
    }

    if (api === "chat") {
      Deno.test(`${name}: generateObject with ${id} returns the object`, async () => {
        await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
        const model = modelOf(served.url, id);
        const { object } = await generateObject({ model, schema: Result, ...shared });
        assertEquals(object, { answer: 4 });
        assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
      });

      Deno.test(`${name}: streamObject with ${id} returns the object`, async () => {
        await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
        const model = modelOf(served.url, id);
        const { partialObjectStream, object } = streamObject({ model, schema: Result, ...shared });
        assertEquals((await Array.fromAsync(partialObjectStream)).at(-1), { answer: 4 });
        assertEquals(await object, { answer: 4 });
      });
    }

    if (api === "responses") {
      Deno.test(`${name}: a second turn on ${id} continues the first`, async () => {
        await using served = await serve(thinking(id, [WORDS, { content: "Yes." }]));
        const model = modelOf(served.url, id);
        const user = (content: string) => ({ role: "user" as const, content });
        const first = await generateText({ model, messages: [user(prompt)], maxRetries });
        const messages = [user(prompt), ...first.response.messages, user("Sure?")];
        const second = await generateText({ model, messages, maxRetries });
        assertEquals(second.text, "Yes.");
        assertEquals(conversationSent(served, 3), [prompt, ANSWER, "Sure?"]);
      });
    }
  }

  if (api === "messages") {
    Deno.test(`${name}: generateObject returns the object through a call of its tool`, async () => {
      const call = { id: "call_json", name: "json", arguments: '{"answer":4}' };
      await using served = await serve([{ toolCalls: [call] }]);
      const model = modelOf(served.url, "plain");
      const { object } = await generateObject({ model, schema: Result, prompt, maxRetries });
      assertEquals(object, { answer: 4 });
      assertEquals(served.visible()[0]!.body.tools[0].function.name, "json");
    });
  }

  for (const { name: failure, status, code, key, model: id, temperature, reply } of FAILURES) {
    // Anthropic's provider does not send a temperature that is too high.
    if (api === "messages" && status === 400) continue;
    Deno.test(`${name}: ${failure} is an APICallError`, async () => {
      await using served = await serve([reply]);
      const options = { model: modelOf(served.url, id, key), prompt, temperature, maxRetries };
      const errors = [await assertRejects(() => generateText(options))];
      await streamText({ ...options, onError: ({ error }) => void errors.push(error as Error) })
        .consumeStream();
      assertEquals(errors.length, 2);
      for (const error of errors) {
        assert(sdk.APICallError.isInstance(error), String(error));
        assertEquals([error.statusCode, error.isRetryable], [status, status === 429]);
        const body = JSON.parse(error.responseBody ?? "");
        // The provider for open responses reports the status text.
        if (api !== "responses") assertEquals(body.error.message, error.message);
        if (api !== "messages") assertEquals(body.error.code, code);
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
    assertEquals([text, errors.length > 0], ["The answ", true]);
    if (api !== "responses") assertEquals(errors.length, 1);
    if (api === "chat") assertEquals(finish, "error");
    assertEquals(served.upstream.calls.length, 1);
  });
}
