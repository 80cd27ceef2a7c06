import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOpenResponses } from "@ai-sdk/open-responses";
import * as openai4 from "@ai-sdk/openai";
import * as openai3 from "@ai-sdk/openai-v3";
import * as ai7 from "ai";
import * as ai6 from "ai-v6";
import { z } from "zod";
import { TOKEN } from "../support/app.ts";
import {
  ADD_CALL,
  ANSWER,
  assertLeft,
  conversationSent,
  FAILURES,
  type ModelId,
  MODELS,
  QUESTION,
  serve,
  stalled,
  SUMMARY,
  thinking,
  WORDS,
} from "./served.ts";

interface Combination {
  name: string;
  sdk: typeof ai7;
  modelOf(baseURL: string, id: string, apiKey?: string): ai7.LanguageModel;
  /** Whether the provider is OpenAI's own, which refers to stored items. */
  official: boolean;
}

function official(name: string, sdk: typeof ai7, provider: typeof openai4): Combination {
  return {
    name,
    sdk,
    modelOf: (baseURL, id, apiKey = TOKEN) => provider.createOpenAI({ baseURL, apiKey })(id),
    official: true,
  };
}

// Both major versions fit the types of the newer one in these tests.
const older = ai6 as unknown as typeof ai7;
const COMBINATIONS: Combination[] = [
  official("ai 7 with @ai-sdk/openai 4", ai7, openai4),
  official("ai 6 with @ai-sdk/openai 3", older, openai3 as unknown as typeof openai4),
  {
    name: "ai 7 with @ai-sdk/open-responses 2",
    sdk: ai7,
    modelOf: (baseURL, id, apiKey = TOKEN) =>
      createOpenResponses({ name: "o1-api", url: `${baseURL}/responses`, apiKey })(id),
    official: false,
  },
];

const prompt = QUESTION;
const maxRetries = 0;
const Result = z.object({ answer: z.number() });

/** The thinking as the SDK joins it from the parts of a summary. */
const thoughts = (id: ModelId) => SUMMARY[id].join("");

for (const { name, sdk, modelOf, official } of COMBINATIONS) {
  const { generateText, streamText, Output, stepCountIs, tool } = sdk;
  const tools = {
    add: tool({
      description: "Adds two numbers.",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      execute: ({ a, b }) => a + b,
    }),
  };

  for (const id of MODELS) {
    Deno.test(`${name}: generateText of a response of ${id} gives text, reasoning and usage`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = await generateText({ model: modelOf(served.url, id), prompt, maxRetries });
      assertEquals([result.text, result.finishReason], [ANSWER, "stop"]);
      assertEquals(
        result.reasoning.map((part) => "text" in part ? part.text : "").join(""),
        thoughts(id),
      );
      const { inputTokens, outputTokens } = result.usage;
      assertEquals([inputTokens, outputTokens], [10, 5 * served.upstream.calls.length]);
    });

    Deno.test(`${name}: streamText of a response of ${id} gives reasoning, then text`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const result = streamText({ model: modelOf(served.url, id), prompt, maxRetries });
      let [text, reasoning, starts] = ["", "", 0];
      for await (const part of result.fullStream) {
        assert(part.type !== "error", String(part.type === "error" && part.error));
        if (part.type === "text-delta") text += part.text;
        if (part.type === "reasoning-start") starts++;
        if (part.type === "reasoning-delta") {
          assertEquals(text, "");
          reasoning += part.text;
        }
      }
      assertEquals([text, reasoning], [ANSWER, thoughts(id)]);
      if (official) assertEquals(starts, SUMMARY[id].length);
      assertEquals(await result.finishReason, "stop");
      assertEquals((await result.totalUsage).totalTokens, 10 + 5 * served.upstream.calls.length);
    });

    Deno.test(`${name}: Output.object of a response of ${id} gives the object`, async () => {
      await using served = await serve(thinking(id, [{ content: '{"answer":4}' }]));
      const output = Output.object({ schema: Result });
      const model = modelOf(served.url, id);
      const result = await generateText({ model, output, prompt, maxRetries });
      assertEquals(result.output, { answer: 4 });
    });

    for (const stream of [false, true]) {
      for (const store of official ? [undefined, false] : [undefined]) {
        Deno.test(`${name}: a tool loop of responses on ${id}, stream: ${stream}, store: ${store}`, async () => {
          await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
          const options = {
            model: modelOf(served.url, id),
            tools,
            prompt,
            maxRetries,
            stopWhen: stepCountIs(3),
            ...(store === undefined ? {} : { providerOptions: { openai: { store } } }),
          };
          const result = stream ? streamText(options) : await generateText(options);
          assertEquals(await result.text, ANSWER);
          const [first, second, ...more] = await result.steps;
          assertEquals([first!.finishReason, second!.finishReason], ["tool-calls", "stop"]);
          assertEquals(more.length, 0);
          assertEquals<unknown>(first!.toolResults[0]!.output, 4);
          const sent = served.visible()[1]!.body.messages
            .filter(({ role }: { role: string }) => role !== "system");
          assertEquals(sent.slice(0, 3).map(({ role }: { role: string }) => role), [
            "user",
            "assistant",
            "tool",
          ]);
          assertEquals(sent[1].tool_calls[0].id, "call_add_1");
          assertEquals(sent[2].content, "4");
        });
      }
    }

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

    Deno.test(`${name}: an abort in a response's stream of ${id} ends the upstream call`, async () => {
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

  for (const { name: what, status, code, key, model: id, temperature, reply } of FAILURES) {
    Deno.test(`${name}: ${what} is an APICallError for responses`, async () => {
      await using served = await serve([reply]);
      // The provider drops the temperature of a model called o1.
      const options = { model: modelOf(served.url, id, key), prompt, temperature, maxRetries };
      const error = await assertRejects(() => generateText(options));
      assert(sdk.APICallError.isInstance(error), String(error));
      assertEquals([error.statusCode, error.isRetryable], [status, status === 429]);
      assertEquals(JSON.parse(error.responseBody ?? "").error.code, code);
    });
  }

  Deno.test(`${name}: a response's stream that breaks after some text ends with an error part`, async () => {
    await using served = await serve([{ content: ["The answ"], finish: null, end: "cut" }]);
    const errors: unknown[] = [];
    const { fullStream } = streamText({
      model: modelOf(served.url, "plain"),
      prompt,
      onError: ({ error }) => void errors.push(error),
    });
    let text = "";
    for await (const part of fullStream) {
      if (part.type === "text-delta") text += part.text;
    }
    assertEquals([text, errors.length > 0], ["The answ", true]);
    assertEquals(served.upstream.calls.length, 1);
  });
}
