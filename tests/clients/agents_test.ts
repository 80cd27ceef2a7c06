import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Agent,
  OpenAIChatCompletionsModel,
  run,
  type RunStreamEvent,
  setTracingDisabled,
  tool,
} from "@openai/agents";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from "openai";
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

setTracingDisabled(true);

const add = tool({
  name: "add",
  description: "Adds two numbers.",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
});

function modelOf({ url }: Served, id: string, apiKey = TOKEN): OpenAIChatCompletionsModel {
  const client = new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
  // The types know the client of one module graph only.
  return new OpenAIChatCompletionsModel(client as never, id);
}

const instructions = "Use the tools.";

function reasoningOf(items: readonly { type: string; rawItem?: unknown }[]): string {
  const item = items.find(({ type }) => type === "reasoning_item");
  return (item?.rawItem as { rawContent?: { text: string }[] } | undefined)?.rawContent
    ?.map(({ text }) => text).join("") ?? "";
}

for (const id of MODELS) {
  Deno.test(`an agent on ${id} answers, with its reasoning and usage`, async () => {
    await using served = await serve(thinking(id, [WORDS]));
    const agent = new Agent({ name: "a", instructions, model: modelOf(served, id) });
    const result = await run(agent, QUESTION);
    assertEquals([result.finalOutput, reasoningOf(result.newItems)], [ANSWER, REASONING]);
    const { inputTokens, outputTokens } = result.state.usage;
    assertEquals([inputTokens, outputTokens], [10, 5 * served.upstream.calls.length]);
  });

  for (const stream of [false, true]) {
    Deno.test(`an agent on ${id} runs its tool, stream: ${stream}`, async () => {
      await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
      const agent = new Agent({
        name: "a",
        instructions,
        model: modelOf(served, id),
        tools: [add],
      });
      let text = "";
      let result;
      if (stream) {
        const streamed = await run(agent, QUESTION, { stream: true });
        for await (const event of streamed) text += textOf(event);
        await streamed.completed;
        result = streamed;
      } else {
        result = await run(agent, QUESTION);
        text = result.finalOutput ?? "";
      }
      assertEquals([text, result.finalOutput], [ANSWER, ANSWER]);
      const types = result.newItems.map(({ type }) => type)
        .filter((type) => type !== "reasoning_item");
      assertEquals(types, ["tool_call_item", "tool_call_output_item", "message_output_item"]);
      assertEquals(reasoningOf(result.newItems), REASONING);
      const sent = served.visible()[1]!.body.messages;
      const answer = sent.find((each: { role: string }) => each.role === "tool");
      assertEquals([answer.tool_call_id, answer.content], ["call_add_1", "4"]);
      assertEquals(result.state.usage.requests, 2);
      assertEquals(result.state.usage.outputTokens, 5 * served.upstream.calls.length);
    });
  }

  Deno.test(`an agent on ${id} gives a structured output`, async () => {
    await using served = await serve(thinking(id, [{ content: '{"answer":4}' }]));
    const agent = new Agent({
      name: "a",
      instructions,
      model: modelOf(served, id),
      outputType: z.object({ answer: z.number() }),
    });
    assertEquals((await run(agent, QUESTION)).finalOutput, { answer: 4 });
    assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
  });

  Deno.test(`an abort in a streamed run on ${id} ends the upstream's`, async () => {
    await using served = await serve(stalled(id));
    const controller = new AbortController();
    const agent = new Agent({ name: "a", instructions, model: modelOf(served, id) });
    const result = await run(agent, QUESTION, { stream: true, signal: controller.signal });
    for await (const event of result) {
      if (event.type === "raw_model_stream_event" && isShown(event.data)) controller.abort();
    }
    assert(result.cancelled);
    await assertLeft(served);
  });
}

function textOf(event: RunStreamEvent): string {
  return event.type === "raw_model_stream_event" && event.data.type === "output_text_delta"
    ? event.data.delta
    : "";
}

/** Whether an event is a chunk of the wire with some text or reasoning. */
function isShown(data: object): boolean {
  const event = (data as { event?: { choices?: { delta: Record<string, string> }[] } }).event;
  const delta = event?.choices?.[0]?.delta ?? {};
  return Boolean(delta.content || delta.reasoning);
}

const CLASSES: Record<number, new (...args: never[]) => APIError> = {
  400: BadRequestError,
  401: AuthenticationError,
  404: NotFoundError,
  429: RateLimitError,
};

for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
  Deno.test(`an agent's run ends with ${name} as it is`, async () => {
    await using served = await serve([reply]);
    const agent = new Agent({
      name: "a",
      instructions,
      model: modelOf(served, model, key),
      modelSettings: { temperature },
    });
    const error = await assertRejects(() => run(agent, QUESTION), APIError);
    assert(error instanceof CLASSES[status]!);
    assertEquals([error.status, error.code], [status, code]);
  });
}
