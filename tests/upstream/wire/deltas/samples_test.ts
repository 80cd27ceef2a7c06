/** Answers with several samples, as llama.cpp sent them and as other upstreams do. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Delta } from "../../../../lib/upstream/wire/deltas.ts";
import { createSamplesReader } from "../../../../lib/upstream/wire/samples.ts";
import type { Json } from "./chunks.ts";

const FIXTURES = new URL("../../../fixtures/", import.meta.url);

/** Reads chunks as if each arrived in a read of its own. */
function read(chunks: readonly unknown[], count: number): Delta[] {
  const reader = createSamplesReader(count);
  return chunks.flatMap((chunk) => {
    reader.add(chunk);
    return reader.take();
  });
}

const textOf = (deltas: readonly Delta[], sample: number) =>
  deltas.filter((delta) => delta.sample === sample).map(({ content = "" }) => content).join("");

const finishesOf = (deltas: readonly Delta[]) =>
  deltas.flatMap(({ sample, finishReason }) =>
    finishReason === undefined ? [] : [[sample, finishReason]]
  );

const usagesOf = (deltas: readonly Delta[]) =>
  deltas.flatMap(({ sample, usage }) =>
    usage === undefined ? [] : [[sample, usage.prompt, usage.completion]]
  );

Deno.test("a stream of llama.cpp is split by index, with the usage of each sample", async () => {
  const text = await Deno.readTextFile(new URL("llama_samples.sse", FIXTURES));
  const events = text.split("\n").filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
  const deltas = read(events, 3);
  assertEquals([0, 1, 2].map((sample) => textOf(deltas, sample)), [
    "The most common and widely accepted",
    "There is no one-specific",
    "Amarak.",
  ]);
  assertEquals(finishesOf(deltas), [[2, "stop"], [0, "length"], [1, "length"]]);
  assertEquals(usagesOf(deltas), [[2, 34, 5], [0, 34, 6], [1, 34, 6]]);
});

Deno.test("the usage in a JSON answer of llama.cpp is that of its first sample", async () => {
  const json = JSON.parse(await Deno.readTextFile(new URL("llama_samples.json", FIXTURES)));
  const deltas = read([json], 3);
  assertEquals(textOf(deltas, 1), "I'm not sure what I");
  assertEquals(usagesOf(deltas), [[0, 34, 6]]);
});

const choice = (index: number, delta: Json, finish: string | null = null) => ({
  index,
  delta,
  finish_reason: finish,
});
const chunk = (...choices: Json[]): Json => ({ object: "chat.completion.chunk", choices });
const WORDS = "twelve words that make a text of about twenty tokens or a bit more";
const END = chunk(choice(0, {}, "stop"), choice(1, {}, "stop"));

const USAGES: [title: string, chunks: Json[], expected: unknown[]][] = [
  [
    "one at the end",
    [END, { choices: [], usage: { prompt_tokens: 9, completion_tokens: 31 } }],
    [[undefined, 9, 31]],
  ],
  [
    "one in each chunk",
    [
      { ...chunk(choice(0, {}, "stop")), usage: { prompt_tokens: 9, completion_tokens: 20 } },
      { ...chunk(choice(1, {}, "stop")), usage: { prompt_tokens: 9, completion_tokens: 32 } },
    ],
    [[undefined, 9, 20], [undefined, 9, 32]],
  ],
  [
    "one at the end that is too small for both",
    [END, { choices: [], usage: { prompt_tokens: 9, completion_tokens: 15 } }],
    [[0, 9, 15]],
  ],
];

for (const [title, chunks, expected] of USAGES) {
  Deno.test(`usage of samples: ${title}`, () => {
    const texts = chunk(choice(0, { content: WORDS }), choice(1, { content: WORDS }));
    assertEquals(usagesOf(read([texts, ...chunks], 2)), expected);
  });
}

Deno.test("reasoning and tool calls of samples do not mix", () => {
  const call = (id: string, name: string, json: string) => ({
    tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: json } }],
  });
  const more = (json: string) => ({ tool_calls: [{ index: 0, function: { arguments: json } }] });
  const deltas = read([
    chunk(choice(1, { reasoning_content: "B." }), choice(0, { reasoning_content: "A." })),
    chunk(choice(0, call("a", "add", '{"x":')), choice(1, call("b", "multiply", '{"y":'))),
    chunk(choice(1, more("2}")), choice(0, more("1}"))),
    END,
  ], 2);
  const of = (number: number) => deltas.filter(({ sample }) => sample === number);
  const call0 = of(0).flatMap(({ toolCalls = [] }) => toolCalls);
  const call1 = of(1).flatMap(({ toolCalls = [] }) => toolCalls);
  assertEquals(of(0)[0]!.reasoning, "A.");
  assertEquals(of(1)[0]!.reasoning, "B.");
  assertEquals([call0[0]!.name, call0.map((piece) => piece.arguments).join("")], [
    "add",
    '{"x":1}',
  ]);
  assertEquals([call1[0]!.name, call1.map((piece) => piece.arguments).join("")], [
    "multiply",
    '{"y":2}',
  ]);
});

Deno.test("an answer is finished when each sample that has begun is finished", () => {
  const reader = createSamplesReader(3);
  assertEquals(reader.isFinished(), false);
  reader.add(chunk(choice(0, { content: "a" }), choice(1, { content: "b" })));
  reader.add(chunk(choice(0, {}, "stop")));
  assertEquals(reader.isFinished(), false);
  reader.add(chunk(choice(1, {}, "stop")));
  assertEquals(reader.isFinished(), true);
});

Deno.test("samples that were not requested are ignored, and each has its own limit", () => {
  const reader = createSamplesReader(2, 10);
  reader.add(chunk(choice(2, { content: "x" }), choice(-1, { content: "x" })));
  reader.add(chunk({ ...choice(0, { content: "x" }), index: "constructor" }));
  assertEquals(reader.take(), []);
  reader.add(chunk(choice(0, { content: "12345678" }), choice(1, { content: "12345678" })));
  assertThrows(() => reader.add(chunk(choice(1, { content: "9ab" }))), RangeError);
});

Deno.test("a sample that is too long ends all of them, if they are cut", () => {
  const reader = createSamplesReader(3, 10, true);
  reader.add(chunk(choice(0, { content: "12345678" }), choice(1, { content: "12345678" })));
  reader.add(chunk(choice(0, {}, "stop")));
  assertEquals([reader.isFull(), reader.isFinished()], [false, false]);
  reader.take();
  reader.add(chunk(choice(2, { content: "1234567890ab" }), choice(1, { content: "9" })));
  assertEquals([reader.isFull(), reader.isFinished()], [true, true]);
  assertEquals(reader.take(), [
    { content: "1234567890", finishReason: "length", sample: 2 },
    { finishReason: "length", sample: 1 },
  ]);
});

Deno.test("an error in the answer is the error of all samples", () => {
  const reader = createSamplesReader(2);
  assertThrows(() => reader.add({ error: { message: "overloaded" } }));
});
