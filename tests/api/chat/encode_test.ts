import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import OpenAI from "openai";
import { Stream } from "openai/streaming";
import {
  chatWriter,
  completionHead,
  type CompletionOptions,
  usageObject,
} from "../../../lib/api/chat/encode.ts";
import { FORMATS } from "../../../lib/api/formats/format.ts";
import { isInContent } from "../../../lib/api/formats/formatter.ts";
import type { ReasoningEvent } from "../../../lib/reasoning/events.ts";
import { anyCut, anyRun, type Cut, eventsOf, type Run, USAGE, whole } from "../runs.ts";

const HEAD = completionHead("o1", Date.UTC(2026, 0, 1));

type Chunk = OpenAI.ChatCompletionChunk;
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta;
type Reasoning = { reasoning?: string; reasoning_content?: string };

function encode(run: Run, options: CompletionOptions, cut: Cut = whole): string {
  const encoder = chatWriter(HEAD, options).encoder();
  return encoder.start() + eventsOf(run, cut).map(encoder.encode).join("");
}

function collect(run: Run, options: CompletionOptions, cut: Cut = whole) {
  const collector = chatWriter(HEAD, options).collector();
  for (const event of eventsOf(run, cut)) collector.push(event);
  return JSON.parse(JSON.stringify(collector.whole())) as
    & OpenAI.ChatCompletion
    & { choices: { message: Reasoning }[]; steps?: unknown; total_thinking_time?: number };
}

/** Parses the bytes with OpenAI's client, `size` bytes per network read. */
async function read(text: string, size: number): Promise<Chunk[]> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += size));
      else controller.close();
    },
  });
  const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  return await Array.fromAsync(Stream.fromSSEResponse<Chunk>(response, new AbortController()));
}

/** Joins the parts of a stream as clients do. */
function join(chunks: readonly Chunk[]) {
  const out = { content: "", refusal: "", reasoning_content: "", reasoning: "" };
  const calls: { id?: string; name?: string; arguments: string }[] = [];
  let finish: string | null = null;
  let usage: unknown;
  for (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    const choice = chunk.choices[0];
    if (choice === undefined) continue;
    const delta: Delta & Reasoning = choice.delta;
    out.content += delta.content ?? "";
    out.refusal += delta.refusal ?? "";
    out.reasoning_content += delta.reasoning_content ?? "";
    out.reasoning += delta.reasoning ?? "";
    for (const { index, id, function: fn } of delta.tool_calls ?? []) {
      const call = calls[index] ??= { arguments: "" };
      if (id !== undefined) call.id = id;
      if (fn?.name !== undefined) call.name = fn.name;
      call.arguments += fn?.arguments ?? "";
    }
    finish = choice.finish_reason ?? finish;
  }
  return { ...out, calls, finish, usage };
}

const anyOptions = (): fc.Arbitrary<CompletionOptions> =>
  fc.record({
    format: fc.constantFrom(...FORMATS),
    statusLines: fc.boolean(),
    includeUsage: fc.boolean(),
  });

Deno.test("OpenAI's client decodes any stream to the content that was encoded", async () => {
  await fc.assert(fc.asyncProperty(
    anyRun(),
    anyCut(),
    anyOptions(),
    fc.integer({ min: 1, max: 2_000 }),
    async (run, cut, options, size) => {
      const chunks = await read(encode(run, options, cut), size);
      const got = join(chunks);
      const inFields = !isInContent(options.format);
      if (inFields) assertEquals(got.content, run.answer ?? "");
      else assert(got.content.includes(run.answer ?? ""));
      assertEquals(got.refusal, run.refusal ?? "");
      assertEquals(got.calls, [...run.calls ?? []]);
      assertEquals(got.finish, run.finish ?? (run.calls ? "tool_calls" : "stop"));
      assertEquals(got.usage, options.includeUsage ? usageObject(USAGE) : undefined);
    },
  ));
});

Deno.test("a stream and a JSON answer have the same content", async () => {
  await fc.assert(fc.asyncProperty(
    anyRun(),
    anyCut(),
    anyOptions().filter(({ format }) => format !== "details"),
    async (run, cut, options) => {
      const got = join(await read(encode(run, { ...options, includeUsage: true }, cut), 512));
      const completion = collect(run, options, cut);
      const { message, finish_reason } = completion.choices[0]!;
      assertEquals(message.content ?? "", got.content);
      assertEquals(message.refusal ?? "", got.refusal);
      assertEquals(message.reasoning ?? "", got.reasoning);
      assertEquals(message.reasoning_content ?? "", got.reasoning_content);
      assertEquals(finish_reason as string, got.finish);
      assertEquals(completion.usage as unknown, got.usage);
      const calls = (message.tool_calls ?? []).map((call) => {
        assert(call.type === "function");
        return { id: call.id, ...call.function };
      });
      assertEquals(calls, got.calls as typeof calls);
    },
  ));
});

Deno.test("every frame is one data line of the documented shape, in the documented order", () => {
  fc.assert(fc.property(anyRun(), anyCut(), anyOptions(), (run, cut, options) => {
    const text = encode(run, options, cut);
    assert(text.endsWith("data: [DONE]\n\n"));
    const frames = text.slice(0, -"\n\n".length).split("\n\n");
    frames.pop();
    const chunks = frames.map((frame) => {
      assertMatch(frame, /^data: \{[^\n\r]*\}$/);
      return JSON.parse(frame.slice("data: ".length));
    });
    assertEquals(chunks[0].choices, [{
      index: 0,
      delta: { role: "assistant", content: "", refusal: null },
      logprobs: null,
      finish_reason: null,
    }]);
    if (options.includeUsage) {
      const last = chunks.pop();
      assertEquals(last.choices, []);
      assertEquals(last.usage, usageObject(USAGE));
      assertShared(last);
    }
    const finish = chunks.at(-1).choices[0];
    assertEquals(finish.delta, {});
    assert(typeof finish.finish_reason === "string");
    for (const [i, chunk] of chunks.entries()) {
      assertShared(chunk);
      assertEquals("usage" in chunk, options.includeUsage ?? false);
      assert(!options.includeUsage || chunk.usage === null);
      assertEquals(chunk.choices.length, 1);
      const { index, delta, logprobs, finish_reason } = chunk.choices[0];
      assertEquals([index, logprobs], [0, null]);
      assertEquals(finish_reason === null, i < chunks.length - 1);
      if (i > 0 && i < chunks.length - 1) assertOnePart(delta);
    }
  }));
});

// deno-lint-ignore no-explicit-any -- untyped JSON
function assertShared(chunk: any): void {
  assertEquals(chunk.id, HEAD.id);
  assertEquals(chunk.created, HEAD.created);
  assertEquals(chunk.model, "o1");
  assertEquals(chunk.object, "chat.completion.chunk");
  assertEquals(chunk.service_tier, "default");
  assertEquals(chunk.system_fingerprint, "fp_o1api");
}

/** A delta has one kind of content, and never null instead of text. */
function assertOnePart(delta: Record<string, unknown>): void {
  const kinds = Object.keys(delta);
  if (kinds.includes("reasoning") && kinds.includes("reasoning_content")) {
    assertEquals(delta.reasoning, delta.reasoning_content);
    kinds.pop();
  }
  assertEquals(kinds.length, 1, JSON.stringify(delta));
  const [value] = Object.values(delta);
  if (kinds[0] === "tool_calls") assertEquals((value as unknown[]).length, 1);
  else assert(typeof value === "string" && value !== "");
}

Deno.test("only the first delta of a tool call has its id, type and name", () => {
  const events: ReasoningEvent[] = [
    { type: "tool_call", index: 0, id: "call_1", name: "f", arguments: "" },
    { type: "tool_call", index: 0, arguments: '{"a":1}' },
    { type: "tool_call", index: 1, name: "g", arguments: "{}" },
  ];
  const encoder = chatWriter(HEAD, { format: "both", statusLines: false }).encoder();
  const [first, second, third] = events.map((event) => {
    const { choices } = JSON.parse(String(encoder.encode(event)).slice("data: ".length));
    return choices[0].delta.tool_calls;
  });
  assertEquals(first, [
    { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } },
  ]);
  assertEquals(second, [{ index: 0, function: { arguments: '{"a":1}' } }]);
  const [{ id, ...rest }] = third;
  assertEquals(rest, { index: 1, type: "function", function: { name: "g", arguments: "{}" } });
  assertMatch(id, /^call_\w{24}$/);
});

Deno.test("the stream helper of OpenAI's client accepts any run", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyRun(),
      anyCut(),
      anyOptions(),
      async (run, cut, options) => {
        const body = encode(run, { ...options, includeUsage: true }, cut);
        const client = new OpenAI({
          apiKey: "k",
          baseURL: "http://localhost/v1",
          maxRetries: 0,
          fetch: () =>
            Promise.resolve(
              new Response(body, { headers: { "content-type": "text/event-stream" } }),
            ),
        });
        const stream = client.chat.completions.stream({
          model: "o1",
          messages: [{ role: "user", content: "Hi" }],
        });
        const completion = await stream.finalChatCompletion();
        const { message, finish_reason } = completion.choices[0]!;
        const expected = join(await read(body, body.length));
        assertEquals(message.content ?? "", expected.content);
        assertEquals(message.refusal ?? "", expected.refusal);
        assertEquals(finish_reason as string, expected.finish);
        assertEquals(completion.usage as unknown, usageObject(USAGE));
        assertEquals(message.tool_calls?.length ?? 0, expected.calls.length);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("a JSON answer has every documented key", () => {
  const completion = collect(
    {
      steps: [
        { title: "Plan", content: "Add.", seconds: 1.23456 },
        { content: "Free.", seconds: 2 },
      ],
      answer: "4",
    },
    { format: "both", statusLines: false },
  );
  const text = "**Plan**\n\nAdd.\n\nFree.";
  assertMatch(completion.id, /^chatcmpl-[0-9A-Za-z]{29}$/);
  assertEquals({ ...completion, id: "" } as unknown, {
    id: "",
    object: "chat.completion",
    created: HEAD.created,
    model: "o1",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: "4",
        refusal: null,
        annotations: [],
        reasoning_content: text,
        reasoning: text,
      },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: {
      prompt_tokens: 11,
      completion_tokens: 40,
      total_tokens: 51,
      prompt_tokens_details: { cached_tokens: 3, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 25,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
      upstream: USAGE.upstream,
    },
    service_tier: "default",
    system_fingerprint: "fp_o1api",
    steps: [["Plan", "Add.", 1.235], ["Thinking", "Free.", 2]],
    total_thinking_time: 3.235,
  });
});

Deno.test("content is null with tool calls and refusals, and empty if the budget was spent", () => {
  const options: CompletionOptions = { format: "both", statusLines: false };
  const message = (run: Run) => collect(run, options).choices[0]!;
  const calls = [{ id: "call_1", name: "f", arguments: "{}" }];
  assertEquals(message({ steps: [], calls }).message.content, null);
  assertEquals(message({ steps: [], calls, answer: "Now:" }).message.content, "Now:");
  assertEquals(message({ steps: [], refusal: "No." }).message.content, null);
  assertEquals(message({ steps: [], refusal: "No." }).finish_reason, "stop");
  const spent = message({ steps: [{ content: "Hm." }], finish: "length" });
  assertEquals([spent.message.content, spent.finish_reason], ["", "length"]);
  assert(!("tool_calls" in spent.message));
});

Deno.test("hidden reasoning is absent from the fields of the original O1-API", () => {
  const completion = collect(
    { steps: [{ title: "Plan", content: "Add." }], answer: "4" },
    { format: "hidden", statusLines: true },
  );
  assert(!JSON.stringify(completion).includes("Plan"));
  assert(!("steps" in completion) && !("total_thinking_time" in completion));
});

Deno.test("the tool calls of a JSON answer are in the order of their numbers", () => {
  const collector = chatWriter(HEAD, { format: "both", statusLines: false }).collector();
  for (const index of [2, 0, 1]) {
    collector.push({ type: "tool_call", index, id: `c${index}`, name: "f", arguments: "{}" });
  }
  const { choices: [choice] } = collector.whole() as OpenAI.ChatCompletion;
  assertEquals(choice!.message.tool_calls!.map(({ id }) => id), ["c0", "c1", "c2"]);
});
