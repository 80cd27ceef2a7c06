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

const Result = z.object({ answer: z.number() });

const add = tool(({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "Adds two numbers.",
  schema: z.object({ a: z.number(), b: z.number() }),
});

function connect({ url }: Served, model: string, fields: ChatOpenAIFields = {}): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: TOKEN,
    maxRetries: 0,
    ...fields,
    configuration: { baseURL: url },
  });
}

/** The types lose what the message has. */
const usageOf = (message: object) => (message as { usage_metadata?: UsageMetadata }).usage_metadata;
const reasoningOf = (message: BaseMessage) => message.additional_kwargs.reasoning_content ?? "";

for (const id of MODELS) {
  Deno.test(`LangChain invokes ${id}: text, reasoning and usage`, async () => {
    await using served = await serve(thinking(id, [WORDS]));
    const message = await connect(served, id).invoke(QUESTION);
    assertEquals([message.text, reasoningOf(message)], [ANSWER, REASONING]);
    const output = 5 * served.upstream.calls.length;
    assertEquals(usageOf(message)?.input_tokens, 10);
    assertEquals(usageOf(message)?.output_tokens, output);
    if (id === "o1") assertEquals(usageOf(message)?.output_token_details?.reasoning, 15);
    assertEquals(message.response_metadata.finish_reason, "stop");
  });

  Deno.test(`LangChain streams ${id}: text, reasoning and usage`, async () => {
    await using served = await serve(thinking(id, [WORDS]));
    let [text, reasoning, total] = ["", "", 0];
    for await (const chunk of await connect(served, id).stream(QUESTION)) {
      text += chunk.text;
      reasoning += reasoningOf(chunk);
      total = usageOf(chunk)?.total_tokens ?? total;
    }
    assertEquals([text, reasoning], [ANSWER, REASONING]);
    assertEquals(total, 10 + 5 * served.upstream.calls.length);
  });

  Deno.test(`LangChain's structured output of ${id} by JSON Schema`, async () => {
    await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
    const model = connect(served, id).withStructuredOutput(Result, { method: "jsonSchema" });
    assertEquals(await model.invoke(QUESTION), { answer: 4 });
    assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
  });

  Deno.test(`LangChain's structured output of ${id} by JSON mode`, async () => {
    await using served = await serve(thinking(id, [{ content: '```json\n{"answer":4}\n```' }]));
    const model = connect(served, id).withStructuredOutput(Result, { method: "jsonMode" });
    assertEquals(await model.invoke(QUESTION), { answer: 4 });
  });

  Deno.test(`LangChain's structured output of ${id} by a function call`, async () => {
    const call = { id: "call_1", name: "extract", arguments: '{"answer":4}' };
    await using served = await serve(thinking(id, [{ toolCalls: [call] }]));
    const model = connect(served, id).withStructuredOutput(Result, {
      method: "functionCalling",
      name: "extract",
    });
    assertEquals(await model.invoke(QUESTION), { answer: 4 });
    assertEquals(served.visible()[0]!.body.tool_choice.function.name, "extract");
  });

  for (const stream of [false, true]) {
    Deno.test(`LangChain's tool loop on ${id} ends with the answer, stream: ${stream}`, async () => {
      await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
      const model = connect(served, id).bindTools([add]);
      const ask = async (messages: BaseMessage[]): Promise<AIMessage> => {
        if (!stream) return await model.invoke(messages);
        const [first, ...rest] = await Array.fromAsync(await model.stream(messages));
        return rest.reduce((all, chunk) => all.concat(chunk), first!);
      };
      const messages: BaseMessage[] = [new HumanMessage(QUESTION)];
      const message = await ask(messages);
      assertEquals(message.response_metadata.finish_reason, "tool_calls");
      const [call] = message.tool_calls ?? [];
      assertEquals([call?.id, call?.name, call?.args], ["call_add_1", "add", { a: 2, b: 2 }]);
      const result = await add.invoke(call!);
      assert(result instanceof ToolMessage);
      assertEquals((await ask([...messages, message, result])).text, ANSWER);
      const sent = served.visible()[1]!.body.messages;
      const answer = sent.find((each: { role: string }) => each.role === "tool");
      assertEquals([answer.tool_call_id, answer.content], ["call_add_1", "4"]);
    });
  }

  Deno.test(`an abort in a stream of ${id} by LangChain ends the upstream's`, async () => {
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
}

for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
  for (const way of ["invoke", "stream"] as const) {
    Deno.test(`LangChain tells ${name} apart, ${way}`, async () => {
      await using served = await serve([reply]);
      const chat = connect(served, model, { apiKey: key, temperature });
      const error: Error & { status?: number; code?: string } = await assertRejects(() =>
        chat[way](QUESTION)
      );
      assertEquals([error.status, error.code], [status, code]);
    });
  }
}
