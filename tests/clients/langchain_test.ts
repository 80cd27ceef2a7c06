import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type AIMessage,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, type ChatOpenAIFields } from "@langchain/openai";
import { z } from "zod";
import { TOKEN } from "../support/app.ts";
import {
  ADD_CALL,
  ANSWER,
  assertLeft,
  assertResultSent,
  FAILURES,
  type ModelId,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  type Served,
  stalled,
  SUMMARY,
  thinking,
  WORDS,
} from "./served.ts";

interface Api {
  name: string;
  useResponsesApi: boolean;
  reasoningOf(message: BaseMessage): string;
  reasoning(id: ModelId): string;
}

const APIS: Api[] = [
  {
    name: "chat completions",
    useResponsesApi: false,
    reasoningOf: ({ additional_kwargs }) => String(additional_kwargs.reasoning_content ?? ""),
    reasoning: () => REASONING,
  },
  {
    name: "responses",
    useResponsesApi: true,
    reasoningOf({ additional_kwargs }) {
      const { reasoning } = additional_kwargs as { reasoning?: { summary: { text: string }[] } };
      return reasoning?.summary.map(({ text }) => text).join("|") ?? "";
    },
    reasoning: (id) => SUMMARY[id].join("|"),
  },
];

const Result = z.object({ answer: z.number() });

const add = tool(({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "Adds two numbers.",
  schema: z.object({ a: z.number(), b: z.number() }),
});

/** The types lack this field of messages. */
const usageOf = (message: object) => (message as { usage_metadata?: UsageMetadata }).usage_metadata;

async function ask(
  model: Pick<ChatOpenAI, "invoke" | "stream">,
  input: BaseMessage[] | string,
  stream: boolean,
): Promise<AIMessage> {
  if (!stream) return await model.invoke(input);
  const [first, ...rest] = await Array.fromAsync(await model.stream(input));
  return rest.reduce((all, chunk) => all.concat(chunk), first!);
}

for (const { name: api, useResponsesApi, reasoningOf, reasoning } of APIS) {
  const connect = ({ url }: Served, model: string, fields: ChatOpenAIFields = {}): ChatOpenAI =>
    new ChatOpenAI({
      model,
      apiKey: TOKEN,
      maxRetries: 0,
      useResponsesApi,
      ...fields,
      configuration: { baseURL: url },
    });

  for (const id of MODELS) {
    for (const stream of [false, true]) {
      Deno.test(`LangChain gets text, reasoning and usage: ${api}, ${id}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(id, [WORDS]));
        const message = await ask(connect(served, id), QUESTION, stream);
        assertEquals([message.text, reasoningOf(message)], [ANSWER, reasoning(id)]);
        const usage = usageOf(message);
        const output = 5 * served.upstream.calls.length;
        assertEquals([usage?.input_tokens, usage?.output_tokens], [10, output]);
        assertEquals(usage?.total_tokens, 10 + output);
        if (id === "o1") assertEquals(usage?.output_token_details?.reasoning, 15);
        if (!useResponsesApi) assertEquals(message.response_metadata.finish_reason, "stop");
      });

      Deno.test(`LangChain's tool loop ends with the answer: ${api}, ${id}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
        const model = connect(served, id).bindTools([add]) as unknown as ChatOpenAI;
        const messages: BaseMessage[] = [new HumanMessage(QUESTION)];
        const message = await ask(model, messages, stream);
        if (!useResponsesApi) assertEquals(message.response_metadata.finish_reason, "tool_calls");
        const [call] = message.tool_calls ?? [];
        assertEquals([call?.id, call?.name, call?.args], ["call_add_1", "add", { a: 2, b: 2 }]);
        const result = await add.invoke(call!);
        assert(result instanceof ToolMessage);
        assertEquals((await ask(model, [...messages, message, result], stream)).text, ANSWER);
        assertResultSent(served);
      });
    }

    Deno.test(`LangChain returns structured output by JSON Schema: ${api}, ${id}`, async () => {
      await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
      const model = connect(served, id).withStructuredOutput(Result, { method: "jsonSchema" });
      assertEquals(await model.invoke(QUESTION), { answer: 4 });
      assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
    });

    Deno.test(`LangChain's aborted stream ends the upstream call: ${api}, ${id}`, async () => {
      await using served = await serve(stalled(id));
      const controller = new AbortController();
      const stream = await connect(served, id).stream(QUESTION, { signal: controller.signal });
      await assertRejects(async () => {
        for await (const chunk of stream) {
          if (chunk.text !== "" || reasoningOf(chunk) !== "") controller.abort();
        }
      });
      await assertLeft(served);
    });

    if (useResponsesApi) continue;

    Deno.test(`LangChain returns structured output by JSON mode: ${api}, ${id}`, async () => {
      await using served = await serve(thinking(id, [{ content: '```json\n{"answer":4}\n```' }]));
      const model = connect(served, id).withStructuredOutput(Result, { method: "jsonMode" });
      assertEquals(await model.invoke(QUESTION), { answer: 4 });
    });

    Deno.test(`LangChain returns structured output by a function call: ${api}, ${id}`, async () => {
      const call = { id: "call_1", name: "extract", arguments: '{"answer":4}' };
      await using served = await serve(thinking(id, [{ toolCalls: [call] }]));
      const model = connect(served, id).withStructuredOutput(Result, {
        method: "functionCalling",
        name: "extract",
      });
      assertEquals(await model.invoke(QUESTION), { answer: 4 });
      assertEquals(served.visible()[0]!.body.tool_choice.function.name, "extract");
    });
  }

  for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
    for (const method of ["invoke", "stream"] as const) {
      Deno.test(`LangChain's ${method} fails with ${name}: ${api}`, async () => {
        await using served = await serve([reply]);
        const chat = connect(served, model, { apiKey: key, temperature });
        const error: Error & { status?: number; code?: string } = await assertRejects(() =>
          chat[method](QUESTION)
        );
        assertEquals([error.status, error.code], [status, code]);
      });
    }
  }
}
