import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Delta } from "../../../../lib/upstream/wire/deltas.ts";
import type { ToolCallDelta } from "../../../../lib/upstream/wire/tool_calls.ts";
import { chunk, completion, type Json, read, readAtOnce } from "./chunks.ts";

const toolCalls = (deltas: readonly Delta[]): ToolCallDelta[] =>
  deltas.flatMap((delta) => delta.toolCalls ?? []);

/** Joins pieces into calls; only the first piece of a call may have an id and a name. */
function join(pieces: readonly ToolCallDelta[]) {
  const calls: { id?: string; name?: string; arguments: string }[] = [];
  for (const { index, ...piece } of pieces) {
    if (index === calls.length) {
      calls.push({ ...piece });
      continue;
    }
    assertEquals(Object.keys(piece), ["arguments"]);
    calls[index]!.arguments += piece.arguments;
  }
  return calls;
}

const call = (fields: Json, name?: string, json?: unknown): Json => ({
  ...fields,
  function: {
    ...(name === undefined ? {} : { name }),
    ...(json === undefined ? {} : { arguments: json }),
  },
});
const sent = (...calls: Json[]) => chunk({ tool_calls: calls });

const TWO = [
  { id: "call_1", name: "add", arguments: '{"a":1}' },
  { id: "call_2", name: "sub", arguments: "{}" },
];

const STREAMS: [name: string, chunks: Json[]][] = [
  ["OpenAI's format", [
    sent(call({ index: 0, id: "call_1", type: "function" }, "add", "")),
    sent(call({ index: 0 }, undefined, '{"a"')),
    sent(call({ index: 0 }, undefined, ":1}")),
    sent(call({ index: 1, id: "call_2", type: "function" }, "sub", "")),
    sent(call({ index: 1 }, undefined, "{}")),
  ]],
  ["whole calls in one chunk", [
    sent(
      call({ index: 0, id: "call_1" }, "add", '{"a":1}'),
      call({ index: 1, id: "call_2" }, "sub", "{}"),
    ),
  ]],
  ["interleaved pieces of two calls", [
    sent(call({ index: 0, id: "call_1" }, "add", ""), call({ index: 1, id: "call_2" }, "sub", "{")),
    sent(call({ index: 0 }, undefined, '{"a":1}'), call({ index: 1 }, undefined, "}")),
  ]],
  ["no index", [
    sent(call({ id: "call_1" }, "add", '{"a"')),
    sent(call({}, undefined, ":1}")),
    sent(call({ id: "call_2" }, "sub", "{")),
    sent(call({}, undefined, "}")),
  ]],
  ["no index, and the id in every piece", [
    sent(call({ id: "call_1" }, "add", '{"a"')),
    sent(call({ id: "call_2" }, "sub", "{")),
    sent(call({ id: "call_1" }, undefined, ":1}")),
    sent(call({ id: "call_2" }, undefined, "}")),
  ]],
  ["id, type and name in every piece", [
    sent(call({ index: 0, id: "call_1", type: "function" }, "add", '{"a"')),
    sent(call({ index: 0, id: "call_1", type: "function" }, "add", ":1}")),
    sent(call({ index: 1, id: "call_2", type: "function" }, "sub", "{")),
    sent(call({ index: 1, id: "call_2", type: "function" }, "sub", "}")),
  ]],
  ["a new id in every piece", [
    sent(call({ index: 0, id: "call_1" }, "add", "")),
    sent(call({ index: 0, id: "x1" }, undefined, '{"a":1}')),
    sent(call({ index: 1, id: "call_2" }, "sub", "")),
    sent(call({ index: 1, id: "x2" }, undefined, "{}")),
  ]],
  ["index 0 for every call", [
    sent(call({ index: 0, id: "call_1" }, "add", '{"a":1}')),
    sent(call({ index: 0, id: "call_2" }, "sub", "{}")),
  ]],
  ["indexes that start at 1 and have gaps", [
    sent(call({ index: 1, id: "call_1" }, "add", '{"a":1}')),
    sent(call({ index: 1_000_000_000, id: "call_2" }, "sub", "{}")),
  ]],
  ["arguments as objects", [
    sent(call({ index: 0, id: "call_1" }, "add", { a: 1 })),
    sent(call({ index: 1, id: "call_2" }, "sub", {})),
  ]],
  ["an id before the name", [
    sent(call({ index: 0, id: "call_1" })),
    sent(call({ index: 0 }, "add", '{"a"')),
    sent(call({ index: 0 }, undefined, ":1}")),
    sent(call({ index: 1, id: "call_2" }, undefined, "{")),
    sent(call({ index: 1 }, "sub", "}")),
  ]],
  ["names in pieces", [
    sent(call({ index: 0, id: "call_1" }, "a", "")),
    sent(call({ index: 0 }, "dd", "")),
    sent(call({ index: 0 }, undefined, '{"a":1}')),
    sent(call({ index: 1, id: "call_2" }, "s")),
    sent(call({ index: 1, id: "call_2" }, "ub", "{}")),
  ]],
  ["the whole name in every piece", [
    sent(call({ index: 0, id: "call_1" }, "add", "")),
    sent(call({ index: 0, id: "call_1" }, "add", '{"a"')),
    sent(call({ index: 0, id: "call_1" }, "add", ":1}")),
    sent(call({ index: 1, id: "call_2" }, "sub", "{}")),
  ]],
  ["nulls and empty texts for missing values", [
    sent(call({ index: 0, id: "call_1", type: "function" }, "add", null)),
    sent({ index: 0, id: null, type: null, function: { name: null, arguments: '{"a":1}' } }),
    sent({ index: 0, id: "", type: "", function: { name: "", arguments: "" } }),
    sent(call({ index: 1, id: "call_2" }, "sub", "{}"), call({ index: 1 })),
  ]],
];

for (const [name, chunks] of STREAMS) {
  Deno.test(`tool calls are read from a stream with ${name}`, () => {
    const stream = [...chunks, chunk({}, "tool_calls")];
    assertEquals(join(toolCalls(read(stream))), TWO);
    assertEquals(join(toolCalls(readAtOnce(stream))), TWO);
    assertEquals(read(stream).at(-1)?.finishReason, "tool_calls");
  });
}

const MESSAGES: [name: string, calls: Json[], ids: boolean][] = [
  [
    "as OpenAI's",
    [call({ id: "call_1" }, "add", '{"a":1}'), call({ id: "call_2" }, "sub", "{}")],
    true,
  ],
  ["with one index for all calls", [
    call({ index: 0, id: "call_1" }, "add", '{"a":1}'),
    call({ index: 0, id: "call_2" }, "sub", "{}"),
  ], true],
  ["without ids, with objects", [call({}, "add", { a: 1 }), call({ id: "" }, "sub", {})], false],
];

for (const [name, calls, ids] of MESSAGES) {
  Deno.test(`tool calls are read from a whole message ${name}`, () => {
    const [delta] = read([completion({ content: null, tool_calls: calls }, {}, "tool_calls")]);
    const expected = TWO.map(({ id, ...rest }) => ids ? { id, ...rest } : rest);
    assertEquals(join(delta?.toolCalls ?? []), expected);
    assertEquals(delta?.finishReason, "tool_calls");
  });
}

Deno.test("calls without indexes and ids are distinguished by their names", () => {
  const chunks = [
    sent(call({}, "add", '{"a"')),
    sent(call({}, undefined, ":1}")),
    sent(call({}, "sub", {})),
  ];
  assertEquals(join(toolCalls(read(chunks))), TWO.map(({ id: _, ...rest }) => rest));
});

Deno.test("calls without ids that share an index are distinguished by complete arguments", () => {
  const chunks = [
    sent(call({ index: 0 }, "add", '{"a"')),
    sent(call({ index: 0 }, undefined, ":1}")),
    sent(call({ index: 0 }, "sub", "{}")),
    sent(call({ index: 0 }, "sub", "{}")),
  ];
  const expected = [...TWO, TWO[1]!].map(({ id: _, ...rest }) => rest);
  assertEquals(join(toolCalls(read(chunks))), expected);
});

Deno.test("a quote or a backslash in the arguments does not end them early or late", () => {
  const chunks = [
    sent(call({ index: 0 }, "add", '{"a":"\\"}')),
    sent(call({ index: 0 }, "add", '"}')),
    sent(call({ index: 0 }, "sub", '{"b":"\\\\"}')),
    sent(call({ index: 0 }, "sub", "{}")),
  ];
  assertEquals(join(toolCalls(read(chunks))), [
    { name: "add", arguments: '{"a":"\\"}"}' },
    { name: "sub", arguments: '{"b":"\\\\"}' },
    { name: "sub", arguments: "{}" },
  ]);
});

Deno.test("a call without arguments begins when another one follows or the answer ends", () => {
  const chunks = [
    sent(call({ index: 0, id: "call_1" }, "add", "")),
    sent(call({ index: 1, id: "call_2" }, "sub", "")),
    chunk({}, "tool_calls"),
  ];
  assertEquals(read(chunks), [
    { toolCalls: [{ index: 0, id: "call_1", name: "add", arguments: "" }] },
    {
      toolCalls: [{ index: 1, id: "call_2", name: "sub", arguments: "" }],
      finishReason: "tool_calls",
    },
  ]);
});

Deno.test("calls in a second choice belong to the answer, its text does not", () => {
  const message = { role: "assistant", content: "Again." };
  const calls = TWO.map(({ id, name, arguments: json }) => call({ id }, name, json));
  const whole = {
    choices: [
      { index: 0, message: { ...message, content: "Let me see." }, finish_reason: "stop" },
      { index: 1, message: { ...message, tool_calls: calls }, finish_reason: "tool_calls" },
    ],
  };
  const [delta] = read([whole]);
  assertEquals(join(delta?.toolCalls ?? []), TWO);
  assertEquals([delta?.content, delta?.finishReason], ["Let me see.", "tool_calls"]);
});

Deno.test("two calls with the same id but different indexes stay separate", () => {
  const chunks = [
    sent(call({ index: 0, id: "add" }, "add", "{}"), call({ index: 1, id: "add" }, "add", "[]")),
  ];
  assertEquals(join(toolCalls(read(chunks))), [
    { id: "add", name: "add", arguments: "{}" },
    { id: "add", name: "add", arguments: "[]" },
  ]);
});

Deno.test("the deprecated function_call is the first tool call", () => {
  const stream = [
    chunk({ content: null, function_call: { name: "add", arguments: "" } }),
    chunk({ function_call: { arguments: '{"a"' } }),
    chunk({ function_call: { arguments: ":1}" } }),
    chunk({}, "function_call"),
  ];
  const deltas = read(stream);
  assertEquals(join(toolCalls(deltas)), [{ name: "add", arguments: '{"a":1}' }]);
  assertEquals(deltas.at(-1), { finishReason: "tool_calls" });
  const message = { content: null, function_call: { name: "add", arguments: { a: 1 } } };
  assertEquals(toolCalls(read([completion(message)])), [
    { index: 0, name: "add", arguments: '{"a":1}' },
  ]);
});

Deno.test("text stays before tool calls, and empty pieces produce no deltas", () => {
  assertEquals(
    read([
      chunk({ content: "Let me see." }),
      sent(call({ index: 0, id: "call_1" }, "add", "")),
      sent(call({ index: 0 }, undefined, "")),
      chunk({ tool_calls: [null, 1, "x"] }),
      sent(call({ index: 0 }, undefined, "{}")),
    ]),
    [
      { content: "Let me see." },
      {
        toolCalls: [
          { index: 0, id: "call_1", name: "add", arguments: "" },
          { index: 0, arguments: "{}" },
        ],
      },
    ],
  );
});

Deno.test("a piece without arguments of a call that has begun is passed on if it has state", () => {
  const extra_content = { google: { thought_signature: "c2ln" } };
  assertEquals(
    read([
      sent(call({ index: 0, id: "call_1" }, "add", "{}")),
      sent(call({ index: 0 }, undefined, "")),
      sent(call({ index: 0, extra_content })),
    ]).slice(1),
    [{ toolCalls: [{ index: 0, arguments: "", extra: extra_content }] }],
  );
});

Deno.test("calls split in any way are joined", () => {
  const calls = fc.array(
    fc.record({
      id: fc.uuid(),
      name: fc.constantFrom("add", "sub"),
      arguments: fc.jsonValue().map((value) => JSON.stringify(value)),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(fc.property(
    calls,
    fc.integer({ min: 1, max: 6 }),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
    (calls, size, indexed, repeated, atOnce) => {
      const chunks = calls.flatMap(({ id, name, arguments: json }, index) => {
        const head = { ...(indexed ? { index } : {}), id };
        const more = repeated ? head : indexed ? { index } : {};
        const pieces = json.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
        return [
          sent(call(head, name, "")),
          ...pieces.map((text) => sent(call(more, undefined, text))),
        ];
      });
      assertEquals(join(toolCalls(atOnce ? readAtOnce(chunks) : read(chunks))), calls);
    },
  ));
});
