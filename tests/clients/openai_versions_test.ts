import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
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
  assertResultSent,
  FAILURES,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  type Served,
  stalled,
  thinking,
  WORDS,
} from "./served.ts";

/** Both major versions fit the types of the newer one in these tests. */
const VERSIONS = [
  { name: "openai 7", sdk: v7, zod: zod7 },
  { name: "openai 6", sdk: v6 as unknown as typeof v7, zod: zod6 as unknown as typeof zod7 },
];

type Thoughts = { reasoning?: string; reasoning_content?: string };

const messages = [{ role: "user" as const, content: QUESTION }];
const Result = z.object({ answer: z.number() });

for (const { name, sdk, zod } of VERSIONS) {
  const { OpenAI } = sdk;
  const connect = ({ url }: Served, apiKey = TOKEN) =>
    new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });

  for (const model of MODELS) {
    Deno.test(`${name} gets answer, reasoning and usage from ${model}`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const { choices: [choice], usage } = await connect(served).chat.completions.create({
        model,
        messages,
      });
      const message: v7.OpenAI.ChatCompletionMessage & Thoughts = choice!.message;
      assertEquals([message.content, choice!.finish_reason], [ANSWER, "stop"]);
      assertEquals([message.reasoning, message.reasoning_content], [REASONING, REASONING]);
      assertEquals([usage?.prompt_tokens, usage?.completion_tokens], [
        10,
        5 * served.upstream.calls.length,
      ]);
    });

    Deno.test(`${name} reads a stream from ${model}`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      const stream = await connect(served).chat.completions.create({
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      });
      let [content, reasoning, total] = ["", "", 0];
      for await (const chunk of stream) {
        const delta: Thoughts & { content?: string | null } = chunk.choices[0]?.delta ?? {};
        content += delta.content ?? "";
        reasoning += delta.reasoning_content ?? "";
        total = chunk.usage?.total_tokens ?? total;
      }
      assertEquals([content, reasoning], [ANSWER, REASONING]);
      assertEquals(total, 10 + 5 * served.upstream.calls.length);
    });

    Deno.test(`${name} collects a stream of ${model} with .stream()`, async () => {
      await using served = await serve(thinking(model, [WORDS]));
      let text = "";
      const stream = connect(served).chat.completions.stream({ model, messages });
      stream.on("content", (delta) => text += delta);
      const { choices: [choice] } = await stream.finalChatCompletion();
      assertEquals([text, choice!.message.content, choice!.finish_reason], [
        ANSWER,
        ANSWER,
        "stop",
      ]);
    });

    for (const stream of [false, true]) {
      Deno.test(`${name} parses a structured answer of ${model}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(model, [{ content: ['{"answer"', ": 4}"] }]));
        const body = {
          model,
          messages,
          response_format: zod.zodResponseFormat(Result, "result"),
        };
        const { completions } = connect(served).chat;
        const { choices: [choice] } = stream
          ? await completions.stream(body).finalChatCompletion()
          : await completions.parse(body);
        assertEquals(choice!.message.parsed, { answer: 4 });
        assertEquals(served.visible()[0]!.body.response_format.json_schema.name, "result");
      });

      Deno.test(`${name} runs tools with ${model}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(model, [ADD_CALL, WORDS]));
        const body = {
          model,
          messages,
          tools: [{
            type: "function" as const,
            function: {
              name: "add",
              description: "Adds two numbers.",
              parse: JSON.parse,
              parameters: {
                type: "object",
                properties: { a: { type: "number" }, b: { type: "number" } },
              },
              function: ({ a, b }: { a: number; b: number }) => String(a + b),
            },
          }],
        };
        const { completions } = connect(served).chat;
        const runner = stream
          ? completions.runTools({ ...body, stream: true })
          : completions.runTools({ ...body });
        assertEquals(await runner.finalContent(), ANSWER);
        assertResultSent(served);
        const sent = served.visible()[1]!.body.messages;
        const call = sent.find((message: object) => "tool_calls" in message).tool_calls[0];
        assertEquals([call.id, call.function.arguments], ["call_add_1", '{"a":2,"b":2}']);
      });
    }

    Deno.test(`${name} gets a refusal when ${model} does not follow the schema`, async () => {
      await using served = await serve(thinking(model, [{ content: "four" }]));
      const { choices: [choice] } = await connect(served).chat.completions.parse({
        model,
        messages,
        response_format: zod.zodResponseFormat(Result, "result"),
      });
      assertEquals([choice!.message.parsed, choice!.message.content], [null, null]);
      assertStringIncludes(choice!.message.refusal ?? "", "response_format");
      assertEquals(served.visible().length, 2);
    });

    Deno.test(`${name} gets a deprecated function_call from ${model}`, async () => {
      await using served = await serve(thinking(model, [ADD_CALL]));
      const body = {
        model,
        messages,
        functions: [{ name: "add", parameters: { type: "object", properties: {} } }],
      };
      const { completions } = connect(served).chat;
      const expected = { name: "add", arguments: '{"a":2,"b":2}' };
      const whole = (await completions.create(body)).choices[0]!;
      assertEquals([whole.message.function_call, whole.finish_reason], [expected, "function_call"]);
      const streamed = (await completions.stream(body).finalChatCompletion()).choices[0]!;
      assertEquals(streamed.message.function_call, expected);
    });

    for (const exit of ["a break", "an abort"]) {
      Deno.test(`${exit} in a stream of ${model} by ${name} ends the upstream call`, async () => {
        await using served = await serve(stalled(model));
        const controller = new AbortController();
        const stream = await connect(served).chat.completions.create(
          { model, messages, stream: true },
          { signal: controller.signal },
        );
        for await (const { choices: [choice] } of stream) {
          const delta: Thoughts & { content?: string | null } = choice!.delta;
          if (!delta.content && !delta.reasoning) continue;
          if (exit === "a break") break;
          controller.abort();
        }
        await assertLeft(served);
      });
    }
  }

  const classes: Record<number, new (...args: never[]) => v7.APIError> = {
    400: sdk.BadRequestError,
    401: sdk.AuthenticationError,
    404: sdk.NotFoundError,
    429: sdk.RateLimitError,
  };
  for (const { name: what, status, code, key, model, temperature, reply } of FAILURES) {
    for (const stream of [false, true]) {
      Deno.test(`${name} throws for ${what}, stream: ${stream}`, async () => {
        await using served = await serve([reply]);
        const error = await assertRejects(() =>
          connect(served, key).chat.completions.create({ model, messages, temperature, stream })
        );
        assert(error instanceof classes[status]!, String(error));
        assertEquals([error.status, error.code], [status, code]);
        assert(error.requestID?.startsWith("req_"));
      });
    }
  }
}
