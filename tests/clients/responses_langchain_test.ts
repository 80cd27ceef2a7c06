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
  serve,
  type Served,
  stalled,
  SUMMARY,
  thinking,
  WORDS,
} from "./served.ts";

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
    useResponsesApi: true,
    ...fields,
    configuration: { baseURL: url },
  });
}

/** The types lose what the message has. */
const usageOf = (message: object) => (message as { usage_metadata?: UsageMetadata }).usage_metadata;

function summaryOf(message: BaseMessage): string[] {
  const { reasoning } = message.additional_kwargs as {
    reasoning?: { summary: { text: string }[] };
  };
  return reasoning?.summary.map(({ text }) => text) ?? [];
}

async function gathered(stream: AsyncIterable<AIMessage>): Promise<AIMessage> {
  // deno-lint-ignore no-explicit-any -- chunks have `concat`, which the type of a message has not
  const [first, ...rest] = await Array.fromAsync<any>(stream);
  return rest.reduce((all, chunk) => all.concat(chunk), first);
}

for (const id of MODELS) {
  for (const stream of [false, true]) {
    Deno.test(`LangChain asks for a response of ${id}: text, reasoning and usage, stream: ${stream}`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const model = connect(served, id);
      const message = stream
        ? await gathered(await model.stream(QUESTION))
        : await model.invoke(QUESTION);
      assertEquals([message.text, summaryOf(message)], [ANSWER, [...SUMMARY[id]]]);
      assertEquals(usageOf(message)?.input_tokens, 10);
      assertEquals(usageOf(message)?.output_tokens, 5 * served.upstream.calls.length);
    });

    Deno.test(`LangChain's tool loop by responses of ${id} ends with the answer, stream: ${stream}`, async () => {
      await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
      const model = connect(served, id).bindTools([add]);
      const ask = async (messages: BaseMessage[]) =>
        stream ? await gathered(await model.stream(messages)) : await model.invoke(messages);
      const messages: BaseMessage[] = [new HumanMessage(QUESTION)];
      const message = await ask(messages);
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

  Deno.test(`LangChain's structured output by a response of ${id}`, async () => {
    await using served = await serve(thinking(id, [{ content: ['{"answer"', ": 4}"] }]));
    const schema = z.object({ answer: z.number() });
    const model = connect(served, id).withStructuredOutput(schema, { method: "jsonSchema" });
    assertEquals(await model.invoke(QUESTION), { answer: 4 });
  });

  Deno.test(`an abort in a response's stream of ${id} by LangChain ends the upstream's`, async () => {
    await using served = await serve(stalled(id));
    const controller = new AbortController();
    const stream = await connect(served, id).stream(QUESTION, { signal: controller.signal });
    await assertRejects(async () => {
      for await (const chunk of stream) {
        if (chunk.text !== "" || summaryOf(chunk).length > 0) controller.abort();
      }
    });
    await assertLeft(served);
  });
}

for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
  for (const way of ["invoke", "stream"] as const) {
    Deno.test(`LangChain tells ${name} apart by responses, ${way}`, async () => {
      await using served = await serve([reply]);
      const chat = connect(served, model, { apiKey: key, temperature });
      const error: Error & { status?: number; code?: string } = await assertRejects(() =>
        chat[way](QUESTION)
      );
      assertEquals([error.status, error.code], [status, code]);
    });
  }
}
