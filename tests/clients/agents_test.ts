import "./setup.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Agent,
  handoff,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  run,
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
  assertResultSent,
  conversationSent,
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

setTracingDisabled(true);

type Items = readonly { type: string; rawItem?: unknown }[];

interface Texts {
  rawContent?: { text: string }[];
  content?: { text: string }[];
}

interface Api {
  name: string;
  model: typeof OpenAIChatCompletionsModel | typeof OpenAIResponsesModel;
  /** The texts of a reasoning item. */
  texts(item: Texts): { text: string }[];
  reasoning(id: ModelId): readonly string[];
  /** Whether an event of the wire has some text or reasoning. */
  hasText(event: WireEvent): boolean;
}

interface WireEvent {
  type?: string;
  choices?: { delta: Record<string, string> }[];
}

const APIS: Api[] = [
  {
    name: "chat completions",
    model: OpenAIChatCompletionsModel,
    texts: ({ rawContent }) => rawContent ?? [],
    reasoning: () => [REASONING],
    hasText({ choices }) {
      const delta = choices?.[0]?.delta ?? {};
      return Boolean(delta.content || delta.reasoning);
    },
  },
  {
    name: "responses",
    model: OpenAIResponsesModel,
    texts: ({ content }) => content ?? [],
    reasoning: (id) => SUMMARY[id],
    hasText: ({ type }) => type?.endsWith(".delta") ?? false,
  },
];

const add = tool({
  name: "add",
  description: "Adds two numbers.",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
});

const ERRORS: Record<number, new (...args: never[]) => APIError> = {
  400: BadRequestError,
  401: AuthenticationError,
  404: NotFoundError,
  429: RateLimitError,
};

const instructions = "Use the tools.";

for (const api of APIS) {
  const modelOf = ({ url }: Served, id: string, apiKey = TOKEN) => {
    const client = new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
    // The types accept the client of one module graph only.
    return new api.model(client as never, id);
  };

  const reasoningOf = (items: Items): string[] => {
    const item = items.find(({ type }) => type === "reasoning_item")?.rawItem;
    return item ? api.texts(item).map(({ text }) => text) : [];
  };

  for (const id of MODELS) {
    Deno.test(`an agent answers with reasoning and usage: ${api.name}, ${id}`, async () => {
      await using served = await serve(thinking(id, [WORDS]));
      const agent = new Agent({ name: "a", instructions, model: modelOf(served, id) });
      const result = await run(agent, QUESTION);
      assertEquals(result.finalOutput, ANSWER);
      assertEquals(reasoningOf(result.newItems), [...api.reasoning(id)]);
      const { inputTokens, outputTokens } = result.state.usage;
      assertEquals([inputTokens, outputTokens], [10, 5 * served.upstream.calls.length]);
    });

    for (const stream of [false, true]) {
      Deno.test(`an agent runs its tool: ${api.name}, ${id}, stream: ${stream}`, async () => {
        await using served = await serve(thinking(id, [ADD_CALL, WORDS]));
        const model = modelOf(served, id);
        const agent = new Agent({ name: "a", instructions, model, tools: [add] });
        let text = "";
        let result;
        if (stream) {
          result = await run(agent, QUESTION, { stream: true });
          for await (const event of result) {
            if (event.type !== "raw_model_stream_event") continue;
            if (event.data.type === "output_text_delta") text += event.data.delta;
          }
          await result.completed;
        } else {
          result = await run(agent, QUESTION);
          text = result.finalOutput ?? "";
        }
        assertEquals([text, result.finalOutput], [ANSWER, ANSWER]);
        const types = result.newItems.map(({ type }) => type)
          .filter((type) => type !== "reasoning_item");
        assertEquals(types, ["tool_call_item", "tool_call_output_item", "message_output_item"]);
        assertEquals(reasoningOf(result.newItems), [...api.reasoning(id)]);
        assertResultSent(served);
        assertEquals(result.state.usage.requests, 2);
        assertEquals(result.state.usage.outputTokens, 5 * served.upstream.calls.length);
      });
    }

    Deno.test(`an agent returns structured output: ${api.name}, ${id}`, async () => {
      await using served = await serve(thinking(id, [{ content: '{"answer":4}' }]));
      const outputType = z.object({ answer: z.number() });
      const agent = new Agent({ name: "a", instructions, model: modelOf(served, id), outputType });
      assertEquals((await run(agent, QUESTION)).finalOutput, { answer: 4 });
      assertEquals(served.visible()[0]!.body.response_format.type, "json_schema");
    });

    Deno.test(`an agent hands off to another: ${api.name}, ${id}`, async () => {
      const transfer = { toolCalls: [{ id: "call_1", name: "transfer_to_b", arguments: "{}" }] };
      await using served = await serve(thinking(id, [transfer, WORDS]));
      const model = modelOf(served, id);
      const other = new Agent({ name: "b", instructions: "Answer.", model });
      const agent = Agent.create({ name: "a", instructions, model, handoffs: [handoff(other)] });
      const result = await run(agent, QUESTION);
      assertEquals([result.finalOutput, result.lastAgent?.name], [ANSWER, "b"]);
    });

    Deno.test(`an abort in a streamed run ends the upstream call: ${api.name}, ${id}`, async () => {
      await using served = await serve(stalled(id));
      const controller = new AbortController();
      const agent = new Agent({ name: "a", instructions, model: modelOf(served, id) });
      const result = await run(agent, QUESTION, { stream: true, signal: controller.signal });
      for await (const event of result) {
        if (event.type !== "raw_model_stream_event") continue;
        if (api.hasText((event.data as { event?: WireEvent }).event ?? {})) controller.abort();
      }
      assert(result.cancelled);
      await assertLeft(served);
    });
  }

  for (const { name, status, code, key, model, temperature, reply } of FAILURES) {
    Deno.test(`an agent's run fails with ${name}: ${api.name}`, async () => {
      await using served = await serve([reply]);
      const agent = new Agent({
        name: "a",
        instructions,
        model: modelOf(served, model, key),
        modelSettings: { temperature },
      });
      const error = await assertRejects(() => run(agent, QUESTION), APIError);
      assert(error instanceof ERRORS[status]!);
      assertEquals([error.status, error.code], [status, code]);
    });
  }
}

for (const id of MODELS) {
  Deno.test(`an agent continues from its last response: ${id}`, async () => {
    await using served = await serve(thinking(id, [WORDS, { content: "Yes." }]));
    const client = new OpenAI({ apiKey: TOKEN, baseURL: served.url, maxRetries: 0 });
    const model = new OpenAIResponsesModel(client as never, id);
    const agent = new Agent({ name: "a", instructions, model });
    const first = await run(agent, QUESTION);
    const previousResponseId = first.lastResponseId ?? "";
    assert(previousResponseId.startsWith("resp_"));
    const second = await run(agent, "Sure?", { previousResponseId });
    assertEquals(second.finalOutput, "Yes.");
    assertEquals(conversationSent(served, 3), [QUESTION, ANSWER, "Sure?"]);
  });
}
