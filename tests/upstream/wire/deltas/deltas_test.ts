import { assertEquals, assertThrows } from "@std/assert";
import { createDeltaReader, type Delta } from "../../../../lib/upstream/wire/deltas.ts";
import { chunk, completion, type Json, read, readAtOnce } from "./chunks.ts";

const COUNTS = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 };
const THINKS: Delta[] = [{ reasoning: "Two " }, { reasoning: "twos." }, { content: "4" }];
const STOP: Delta = { finishReason: "stop" };
const WHOLE: Delta[] = [{ reasoning: "Two twos.", content: "4", finishReason: "stop" }];
const USED: Delta = { usage: { prompt: 9, cached: 0, completion: 7 } };

/** A text in OpenRouter's structured form. */
const detail = (text: string) => ({ type: "reasoning.text", text, format: "unknown", index: 0 });
const thinking = (text: string) => [{ type: "thinking", thinking: [{ type: "text", text }] }];

interface Producer {
  name: string;
  stream: Json[];
  deltas: Delta[];
  message: Json;
  whole: Delta[];
}

const PRODUCERS: Producer[] = [
  {
    name: "OpenAI, with a role chunk and usage in a separate chunk",
    stream: [
      chunk({ role: "assistant", content: "", refusal: null }),
      chunk({ content: "4" }),
      chunk({}, "stop"),
      { id: "c", choices: [], usage: COUNTS },
    ],
    deltas: [{ content: "4" }, STOP, USED],
    message: completion({ content: "4", refusal: null, annotations: [] }, { usage: COUNTS }),
    whole: [{ ...USED, content: "4", finishReason: "stop" }],
  },
  {
    name: "DeepSeek, with nulls and usage in the finish chunk",
    stream: [
      chunk({ role: "assistant", content: null, reasoning_content: "" }),
      chunk({ content: null, reasoning_content: "Two " }),
      chunk({ content: null, reasoning_content: "twos." }),
      chunk({ content: "4", reasoning_content: null }),
      chunk({ content: "", reasoning_content: null }, "stop", {
        usage: {
          ...COUNTS,
          prompt_tokens_details: { cached_tokens: 4 },
          completion_tokens_details: { reasoning_tokens: 5 },
          prompt_cache_hit_tokens: 4,
          prompt_cache_miss_tokens: 5,
        },
      }),
    ],
    deltas: [
      ...THINKS,
      { ...STOP, usage: { prompt: 9, cached: 4, completion: 7, reasoning: 5 } },
    ],
    message: completion({ content: "4", reasoning_content: "Two twos." }),
    whole: WHOLE,
  },
  {
    name: "DeepSeek, with its older field for cached tokens",
    stream: [chunk({ content: "4" }, "stop", { usage: { ...COUNTS, prompt_cache_hit_tokens: 4 } })],
    deltas: [{ content: "4", ...STOP, usage: { prompt: 9, cached: 4, completion: 7 } }],
    message: completion({ content: "4" }),
    whole: [{ content: "4", ...STOP }],
  },
  {
    name: "xAI, with role and reasoning in one chunk and reasoning not among the generated tokens",
    stream: [
      chunk({ role: "assistant", reasoning_content: "Two " }),
      chunk({ role: "assistant", reasoning_content: "twos." }),
      chunk({ role: "assistant", content: "4" }),
      chunk({}, "stop"),
      {
        id: "c",
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 2,
          total_tokens: 16,
          completion_tokens_details: { reasoning_tokens: 5 },
        },
      },
    ],
    deltas: [...THINKS, STOP, { usage: { prompt: 9, cached: 0, completion: 7, reasoning: 5 } }],
    message: completion({ content: "4", reasoning_content: "Two twos.", refusal: null }),
    whole: WHOLE,
  },
  {
    name: "older vLLM",
    stream: [
      chunk({ role: "assistant", content: "" }),
      chunk({ reasoning_content: "Two " }),
      chunk({ reasoning_content: "twos." }),
      chunk({ content: "4" }),
      chunk({ content: "" }, "stop", { usage: null }),
    ],
    deltas: [...THINKS, STOP],
    message: completion({ content: "4", reasoning_content: "Two twos.", tool_calls: [] }),
    whole: WHOLE,
  },
  {
    name: "current vLLM and Ollama",
    stream: [
      chunk({ role: "assistant", content: "", reasoning: "Two " }),
      chunk({ role: "assistant", content: "", reasoning: "twos." }),
      chunk({ role: "assistant", content: "4" }),
      chunk({ role: "assistant", content: "" }, "stop"),
    ],
    deltas: [...THINKS, STOP],
    message: completion({ content: "4", reasoning: "Two twos." }),
    whole: WHOLE,
  },
  {
    name: "OpenRouter, with all aliases at once",
    stream: [
      ...["Two ", "twos."].map((text) =>
        chunk({
          role: "assistant",
          content: "",
          reasoning: text,
          reasoning_content: text,
          reasoning_details: [detail(text)],
        })
      ),
      chunk({ role: "assistant", content: "4", reasoning: null, reasoning_details: [] }),
      chunk({ role: "assistant", content: "" }, "stop", { native_finish_reason: "completed" }),
    ],
    deltas: [...THINKS, STOP],
    message: completion({
      content: "4",
      reasoning: "Two twos.",
      reasoning_content: "Two twos.",
      reasoning_details: [detail("Two twos.")],
    }),
    whole: WHOLE,
  },
  {
    name: "OpenRouter, with details only, some of them encrypted",
    stream: [
      chunk({ content: "", reasoning_details: [detail("Two ")] }),
      chunk({ reasoning_details: [{ type: "reasoning.summary", summary: "twos." }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "c2VjcmV0" }] }),
      chunk({ content: "4" }, "stop"),
    ],
    deltas: [...THINKS.slice(0, 2), { content: "4", ...STOP }],
    message: completion({
      content: "4",
      reasoning_details: [
        detail("Two "),
        { type: "reasoning.summary", summary: "twos." },
        { type: "reasoning.encrypted", data: "c2VjcmV0" },
      ],
    }),
    whole: WHOLE,
  },
  {
    name: "Groq, with usage in x_groq",
    stream: [
      chunk({ role: "assistant", content: "" }, null, { x_groq: { id: "req_1" } }),
      chunk({ reasoning: "Two ", channel: "analysis" }),
      chunk({ reasoning: "twos.", channel: "analysis" }),
      chunk({ content: "4" }),
      chunk({}, "stop", { x_groq: { id: "req_1", usage: COUNTS } }),
    ],
    deltas: [...THINKS, { ...STOP, ...USED }],
    message: completion({ content: "4", reasoning: "Two twos." }),
    whole: WHOLE,
  },
  {
    name: "Magistral, with arrays as content",
    stream: [
      chunk({ role: "assistant", content: "" }),
      chunk({ content: thinking("Two ") }),
      chunk({ content: thinking("twos.") }),
      chunk({ content: [{ type: "text", text: "4" }] }),
      chunk({ content: "" }, "stop"),
    ],
    deltas: [...THINKS, STOP],
    message: completion({ content: [...thinking("Two twos."), { type: "text", text: "4" }] }),
    whole: WHOLE,
  },
  {
    name: "MiniMax",
    stream: [
      chunk({ role: "assistant", content: "", reasoning_details: [{ text: "Two " }] }),
      chunk({ reasoning_details: [{ text: "twos." }] }),
      chunk({ content: "4" }),
      chunk({}, "stop"),
    ],
    deltas: [...THINKS, STOP],
    message: completion({ content: "4", reasoning_details: [{ text: "Two twos." }] }),
    whole: WHOLE,
  },
  {
    name: "GitHub Copilot",
    stream: [
      chunk({ role: "assistant", content: null, reasoning_text: "Two " }),
      chunk({ content: null, reasoning_text: "twos.", reasoning_opaque: "x" }),
      chunk({ content: "4" }),
      chunk({ content: null }, "stop"),
    ],
    deltas: [...THINKS, STOP],
    message: completion({ content: "4", reasoning_text: "Two twos." }),
    whole: WHOLE,
  },
];

/** Leaves out the state that only goes back to the provider. */
const withoutDetails = (deltas: Delta[]) =>
  deltas.map(({ state: _, ...rest }) => rest).filter((delta) => Object.keys(delta).length > 0);

for (const { name, stream, deltas, message, whole } of PRODUCERS) {
  Deno.test(`reasoning and answer are read from ${name}`, () => {
    assertEquals(withoutDetails(read(stream)), deltas);
    assertEquals(withoutDetails(read([message])), whole);
    const together: Delta = {};
    for (const { reasoning, content, ...rest } of deltas) {
      if (reasoning !== undefined) together.reasoning = (together.reasoning ?? "") + reasoning;
      if (content !== undefined) together.content = (together.content ?? "") + content;
      Object.assign(together, rest);
    }
    assertEquals(withoutDetails(readAtOnce(stream)), [together]);
  });
}

for (const field of ["stop_reason", "matched_stop"]) {
  Deno.test(`the stop sequence that ended an answer is read from ${field}`, () => {
    const end = (value: unknown) =>
      read([{ choices: [{ index: 0, delta: {}, finish_reason: "stop", [field]: value }] }]);
    assertEquals(end("END"), [{ ...STOP, stopSequence: "END" }]);
    // The number of a token.
    assertEquals(end(128_009), [STOP]);
    assertEquals(end(null), [STOP]);
  });
}

Deno.test("a count of more than 10,000,000 tokens is not believed", () => {
  const usage = (prompt_tokens: number) =>
    chunk({}, "stop", { usage: { ...COUNTS, prompt_tokens } });
  assertEquals(read([usage(10_000_000)])[0]?.usage?.prompt, 10_000_000);
  assertEquals(read([usage(10_000_001)]), [STOP]);
});

Deno.test("the state that a provider wants back is passed on unread", () => {
  const details = [{ type: "reasoning.encrypted", data: "c2VjcmV0", index: 0 }];
  const extra_content = { google: { thought_signature: "c2ln" } };
  const call = { index: 0, id: "c", extra_content, function: { name: "f", arguments: "{}" } };
  const piece = { index: 0, id: "c", name: "f", arguments: "{}", extra: extra_content };
  assertEquals(read([chunk({ reasoning_details: details, tool_calls: [call] })]), [
    { state: [{ reasoning_details: details }], toolCalls: [piece] },
  ]);
});

Deno.test("a text that is too long is cut on request, and is an error otherwise", () => {
  const long = { reasoning_content: "1234", content: "12345678" };
  const cut: Delta = { reasoning: "1234", content: "123456", finishReason: "length" };
  const cases: [Json[], Delta[]][] = [
    [[chunk(long)], [cut]],
    [[completion(long)], [cut]],
    [[chunk({ reasoning_content: "1234567890ab" })], [{
      reasoning: "1234567890",
      finishReason: "length",
    }]],
    [
      [chunk({ content: "12345678" }), chunk({ content: "90ab" }, "stop"), chunk({ content: "c" })],
      [
        { content: "1234567890", finishReason: "length" },
      ],
    ],
    [[chunk({ content: "1234567890" }, "stop")], [{ content: "1234567890", ...STOP }]],
  ];
  for (const [chunks, deltas] of cases) {
    const reader = createDeltaReader(10, true);
    for (const chunk of chunks) reader.add(chunk);
    assertEquals(reader.take(), deltas);
    assertEquals(reader.isFull(), deltas[0]!.finishReason === "length");
  }
  assertThrows(() => createDeltaReader(10).add(chunk(long)), RangeError, "10 characters");
  const call = { index: 0, id: "c", function: { name: "f", arguments: "1234567890ab" } };
  assertThrows(() => createDeltaReader(10, true).add(chunk({ tool_calls: [call] })), RangeError);
});
