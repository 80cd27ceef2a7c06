import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Agent,
  handoff,
  OpenAIResponsesModel,
  run,
  type RunStreamEvent,
  setTracingDisabled,
  tool,
} from "@openai/agents";
import OpenAI, { APIError } from "openai";
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

setTracingDisabled(true);

const add = tool({
  name: "add",
  description: "Adds two numbers.",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
});

function modelOf({ url }: Served, id: string, apiKey = TOKEN): OpenAIResponsesModel {
  const client = new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
  // The types know the client of one module graph only.
  return new OpenAIResponsesModel(client as never, id);
}

const instructions = "Use the tools.";

function summaryOf(items: readonly { type: string; rawItem?: unknown }[]): string[] {
  const item = items.find(({ type }) => type === "reasoning_item");
  return (item?.rawItem as { content: { text: string }[] }).content.map(({ text }) => text);
}

for (const id of MODELS) {
  for (const stream of [false, true]) {
    Deno.test(`an agent on responses of ${id} runs its tool, stream: ${stream}`, async () => {
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
      assertEquals(summaryOf(result.newItems), [...SUMMARY[id]]);
      const sent = served.visible()[1]!.body.messages;
      const answer = sent.find((each: { role: string }) => each.role === "tool");
      assertEquals([answer.tool_call_id, answer.content], ["call_add_1", "4"]);
      assertEquals(result.state.usage.requests, 2);
      assertEquals(result.state.usage.outputTokens, 5 * served.upstream.calls.length);
    });
  }

  Deno.test(`an agent on responses of ${id} goes on from its last response`, async () => {
    await using served = await serve(thinking(id, [WORDS, { content: "Yes." }]));
    const agent = new Agent({ name: "a", instructions, model: modelOf(served, id) });
    const first = await run(agent, QUESTION);
    const previousResponseId = first.lastResponseId ?? "";
    assert(previousResponseId.startsWith("resp_"));
    const second = await run(agent, "Sure?", { previousResponseId });
    assertEquals(second.finalOutput, "Yes.");
    const sent = served.visible()[1]!.body.messages.filter(({ role }: { role: string }) =>
      role !== "system"
    );
    assertEquals(sent.slice(0, 3).map(({ content }: { content: string }) => content), [
      QUESTION,
      ANSWER,
      "Sure?",
    ]);
  });

  Deno.test(`an agent on responses of ${id} hands over to another`, async () => {
    const transfer = { toolCalls: [{ id: "call_1", name: "transfer_to_b", arguments: "{}" }] };
    await using served = await serve(thinking(id, [transfer, WORDS]));
    const model = modelOf(served, id);
    const other = new Agent({ name: "b", instructions: "Answer.", model });
    const agent = Agent.create({ name: "a", instructions, model, handoffs: [handoff(other)] });
    const result = await run(agent, QUESTION);
    assertEquals([result.finalOutput, result.lastAgent?.name], [ANSWER, "b"]);
  });

  Deno.test(`an agent on responses of ${id} gives a structured output`, async () => {
    await using served = await serve(thinking(id, [{ content: '{"answer":4}' }]));
    const outputType = z.object({ answer: z.number() });
    const agent = new Agent({ name: "a", instructions, model: modelOf(served, id), outputType });
    assertEquals((await run(agent, QUESTION)).finalOutput, { answer: 4 });
  });

  Deno.test(`an abort in a streamed run on responses of ${id} ends the upstream's`, async () => {
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

/** Whether an event is one of the wire with some text or thinking. */
function isShown(data: object): boolean {
  const { event } = data as { event?: { type?: string } };
  return event?.type?.endsWith(".delta") ?? false;
}

for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
  Deno.test(`an agent's run on responses ends with ${name} as it is`, async () => {
    await using served = await serve([reply]);
    const agent = new Agent({
      name: "a",
      instructions,
      model: modelOf(served, model, key),
      modelSettings: { temperature },
    });
    const error = await assertRejects(() => run(agent, QUESTION), APIError);
    assertEquals([error.status, error.code], [status, code]);
  });
}
