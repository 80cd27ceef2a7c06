import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createDeltaReader } from "../../../../lib/upstream/wire/deltas.ts";
import { UpstreamError } from "../../../../lib/upstream/errors/upstream_error.ts";
import { chunk, completion, type Json, read, readAtOnce } from "./chunks.ts";

Deno.test("empty chunks produce no deltas", () => {
  const empty = [
    chunk({ role: "assistant", content: "" }),
    chunk({ content: null, reasoning_content: null, refusal: null, tool_calls: [] }),
    chunk({}),
    { id: "c", choices: [] },
    { id: "c", choices: [], usage: null, error: null },
    { id: "c", choices: [null] },
    { choices: [{ index: 0 }] },
    { object: "ping" },
  ];
  assertEquals(read(empty), []);
  assertEquals(readAtOnce(empty), []);
});

Deno.test("reasoning that follows content within one read does not overtake it", () => {
  const stream = [
    chunk({ reasoning: "a" }),
    chunk({ content: "b" }),
    chunk({ reasoning: "c" }),
    chunk({ content: "d" }),
  ];
  assertEquals(readAtOnce(stream), [
    { reasoning: "a", content: "b" },
    { reasoning: "c", content: "d" },
  ]);
});

Deno.test("every finish reason is mapped to one of OpenAI's", () => {
  for (
    const [reason, known] of [
      ["stop", "stop"],
      ["end_turn", "stop"],
      ["eos", "stop"],
      ["stop_sequence", "stop"],
      ["length", "length"],
      ["max_tokens", "length"],
      ["model_length", "length"],
      ["tool_calls", "tool_calls"],
      ["tool_use", "tool_calls"],
      ["function_call", "tool_calls"],
      ["content_filter", "content_filter"],
      ["something_new", "stop"],
      ["constructor", "stop"],
    ] as const
  ) {
    const reader = createDeltaReader();
    assert(!reader.isFinished());
    reader.add(chunk({}, reason));
    assert(reader.isFinished());
    assertEquals(reader.take(), [{ finishReason: known }]);
  }
});

const OUTPUTS: Readonly<Record<string, Json>> = {
  content: { content: "a" },
  reasoning: { reasoning_content: "a" },
  "a refusal": { refusal: "a" },
  "a tool call": { tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: "{}" } }] },
};

for (const [name, output] of Object.entries(OUTPUTS)) {
  Deno.test(`a finish reason counts as the last until ${name} follows`, () => {
    const reader = createDeltaReader();
    const states = [
      chunk({ role: "assistant", content: "", tool_calls: [] }),
      chunk(output),
      chunk({ content: "" }, "stop"),
      chunk({ content: "", tool_calls: [] }),
      chunk(output),
      chunk(output, "stop"),
    ].map((json) => {
      reader.add(json);
      return [reader.isFinished(), reader.hasFalseFinish()];
    });
    assertEquals(states, [
      [false, false],
      [false, false],
      [true, false],
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  Deno.test(`a finish reason is early if it comes with the first chunk that has ${name}`, () => {
    const role = chunk({ role: "assistant", content: "", tool_calls: [] });
    const cases: [chunks: Json[], isEarly: boolean][] = [
      [[role, chunk(output, "stop")], true],
      [[role, chunk({}, "stop")], true],
      [[role, chunk(output), chunk({}, "stop")], false],
      [[role, chunk(output), chunk(output, "stop")], false],
    ];
    for (const [chunks, isEarly] of cases) {
      const reader = createDeltaReader();
      for (const json of chunks) reader.add(json);
      assertEquals(reader.hasEarlyFinish(), isEarly, JSON.stringify(chunks));
    }
  });
}

Deno.test("refusals are read from streams and whole messages", () => {
  assertEquals(read([chunk({ refusal: "I " }), chunk({ refusal: "can't." }, "stop")]), [
    { refusal: "I " },
    { refusal: "can't.", finishReason: "stop" },
  ]);
  assertEquals(read([completion({ content: null, refusal: "No." })]), [{
    refusal: "No.",
    finishReason: "stop",
  }]);
});

Deno.test("parts of content are text or thinking, and may be plain strings", () => {
  const content = [
    "a",
    { type: "text", text: "b", thinking: "no" },
    { type: "thinking", text: "no", thinking: ["c", { type: "text", text: "d" }] },
    5,
    null,
  ];
  assertEquals(read([chunk({ content })]), [{ content: "ab", reasoning: "cd" }]);
});

Deno.test("a character split between chunks is joined, and a lone half becomes U+FFFD", () => {
  for (const field of ["content", "reasoning", "refusal"]) {
    const texts = (pieces: string[]) =>
      read(pieces.map((text) => chunk({ [field]: text })))
        .map((delta) => delta[field as "content"] ?? "");
    assertEquals(texts(["a\ud83d", "\ude00b"]), ["a", "😀b"]);
    assertEquals(texts(["\ud83d", "\ude00"]), ["😀"]);
    assertEquals(texts(["\ud83d", "x"]), ["\ufffdx"]);
    assertEquals(texts(["\ude00", "a\ud83db"]), ["\ufffd", "a\ufffdb"]);
    assertEquals(texts(["\ud83d\ud83d", "\ude00"]), ["\ufffd", "😀"]);
  }
  const json = '{"a":"😀"}';
  const call = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });
  const [first, ...rest] = read([
    chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: "" } }] }),
    ...json.split("").map((text) => chunk(call(text))),
  ]).flatMap((delta) => delta.toolCalls ?? []);
  assertEquals(first, { index: 0, id: "c", name: "f", arguments: "" });
  assert(rest.every((piece) => piece.arguments.isWellFormed()));
  assertEquals(rest.map((piece) => piece.arguments).join(""), json);
});

Deno.test("any text in any pieces is complete and well-formed", () => {
  fc.assert(fc.property(
    fc.string({ unit: "grapheme" }),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1 }),
    fc.boolean(),
    (text, sizes, atOnce) => {
      const chunks: Json[] = [];
      for (let at = 0, i = 0; at < text.length; i++) {
        chunks.push(chunk({ content: text.slice(at, at += sizes[i % sizes.length]!) }));
      }
      const deltas = atOnce ? readAtOnce(chunks) : read(chunks);
      assertEquals(deltas.map((delta) => delta.content).join(""), text);
      assert(deltas.every((delta) => delta.content?.isWellFormed() && delta.content !== ""));
    },
  ));
});

const ERRORS: [name: string, json: unknown, status: number, code: string][] = [
  ["a rate limit", { error: { message: "Slow down", code: 429 } }, 429, "rate_limit_exceeded"],
  ["text", { error: "model exploded" }, 502, "upstream_error"],
  ["an empty object", { error: {} }, 502, "upstream_error"],
  [
    "one beside choices",
    {
      error: { code: 502, message: "Provider disconnected" },
      choices: [{ delta: { content: "" }, finish_reason: "error" }],
    },
    502,
    "upstream_error",
  ],
  [
    "one inside the choice",
    { choices: [{ delta: {}, finish_reason: "error", error: { code: 503, message: "Busy" } }] },
    503,
    "upstream_overloaded",
  ],
  [
    "an answer that DeepSeek broke off",
    { choices: [{ delta: {}, finish_reason: "insufficient_system_resource" }] },
    503,
    "upstream_overloaded",
  ],
  [
    "an answer that vLLM or SGLang broke off",
    { choices: [{ message: { content: "Half an" }, finish_reason: "abort" }] },
    502,
    "upstream_error",
  ],
  [
    "too long a conversation",
    { error: { message: "m", code: "context_length_exceeded" } },
    400,
    "context_length_exceeded",
  ],
];

for (const [name, json, status, code] of ERRORS) {
  Deno.test(`an error in a stream is thrown with its status: ${name}`, () => {
    const error = assertThrows(() => read([json]), UpstreamError);
    assertEquals([error.status, error.code], [status, code]);
  });
}

Deno.test("JSON that is not a chunk is an upstream error", () => {
  for (const json of [null, 1, "text", true, { message: { content: "native Ollama" } }]) {
    assertEquals(assertThrows(() => read([json]), UpstreamError).code, "upstream_error");
  }
});

Deno.test("any chunk produces deltas or an upstream error", () => {
  const wild = fc.record({
    choices: fc.oneof(
      fc.jsonValue(),
      fc.array(fc.record({
        delta: fc.oneof(
          fc.jsonValue(),
          fc.record({
            content: fc.jsonValue(),
            reasoning: fc.jsonValue(),
            reasoning_details: fc.jsonValue(),
            tool_calls: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
            function_call: fc.jsonValue(),
          }, { requiredKeys: [] }),
        ),
        finish_reason: fc.jsonValue(),
      }, { requiredKeys: [] })),
    ),
    usage: fc.jsonValue(),
    x_groq: fc.jsonValue(),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.array(wild), (chunks) => {
      try {
        for (const delta of read(chunks)) {
          assert(Object.keys(delta).length > 0);
          for (const value of Object.values(delta)) assert(value !== undefined && value !== "");
        }
      } catch (error) {
        assertInstanceOf(error, UpstreamError);
      }
    }),
    { numRuns: 500 },
  );
});
