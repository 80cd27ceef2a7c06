import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { withoutOldThinking } from "../../lib/reasoning/conversation.ts";
import type { Message } from "../../lib/reasoning/request.ts";

const assistant = (content: unknown): Message => ({ role: "assistant", content });
const strip = (content: unknown) => withoutOldThinking([assistant(content)])[0]?.content ?? "";

const CASES: [text: string, kept: string][] = [
  ["4", "4"],
  ["", ""],
  ["<think>a</think>4", "4"],
  ["<think>\na\n\nb\n</think>\n\n4", "4"],
  ["<THINK>a</think>4", "4"],
  ["<thinking>a</thinking>4", "4"],
  ["<thought>a</thought>4", "4"],
  ["<reasoning>a</reasoning>4", "4"],
  ["\n <think>a</think>\n<thinking>b</thinking> 4", "4"],
  ["<think>a</think>4<think>b</think> 5", "4<think>b</think> 5"],
  ["Write `<think>a</think>`.", "Write `<think>a</think>`."],
  ["```\n<think>a</think>\n```", "```\n<think>a</think>\n```"],
  ["<think>a < b </thinking> c</think>4", "4"],
  ["<think>a", "<think>a"],
  ["<think>a<thinking>b</thinking>4", "<think>a<thinking>b</thinking>4"],
  ["<thinking>a<think>b</think>4", "<thinking>a<think>b</think>4"],
  ["4</think>", "4</think>"],
  ["a < b", "a < b"],
  [
    '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n> a\n</details>\n\n4',
    "4",
  ],
  ['<details type="reasoning">\n<summary>Thinking</summary>\n> a\n</details>\n\n4', "4"],
  ["<details><summary>More</summary>a</details>4", "<details><summary>More</summary>a</details>4"],
  ['<details type="tool_calls">a</details>4', '<details type="tool_calls">a</details>4'],
  ['<details type="reasoning">a', '<details type="reasoning">a'],
];

for (const [text, kept] of CASES) {
  Deno.test(`${JSON.stringify(text)} in an old answer is sent upstream as ${JSON.stringify(kept)}`, () => {
    assertEquals(strip(text), kept);
    assertEquals(strip([{ type: "text", text }]), [{ type: "text", text: kept }]);
  });
}

Deno.test("fields and parts with earlier reasoning are removed", () => {
  const [kept] = withoutOldThinking([{
    role: "assistant",
    content: [
      { type: "thinking", thinking: "a", signature: "s" },
      { type: "reasoning", text: "b" },
      { type: "text", text: "4", extra: 1 },
    ],
    reasoning_content: "c",
    reasoning: "d",
    reasoning_details: [{ type: "reasoning.text", text: "e" }],
    thinking: "f",
    name: "n",
  }]);
  assertEquals(kept, {
    role: "assistant",
    content: [{ type: "text", text: "4", extra: 1 }],
    // The provider's own state, which it wants back.
    reasoning_details: [{ type: "reasoning.text", text: "e" }],
    name: "n",
  });
});

Deno.test("`reasoning_content` and the provider's own state before tool calls are kept", () => {
  const calls: Message = { role: "assistant", content: null, tool_calls: [{ id: "c" }] };
  const [kept] = withoutOldThinking([{
    ...calls,
    reasoning_content: "c",
    reasoning: "d",
    reasoning_details: [{ type: "reasoning.text", text: "e" }],
    thinking: "f",
  }]);
  assertEquals(kept, {
    ...calls,
    reasoning_content: "c",
    reasoning_details: [{ type: "reasoning.text", text: "e" }],
  });
});

Deno.test("an answer that contains only thinking is removed", () => {
  const others: Message[] = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "" },
    { role: "assistant", content: "", tool_calls: [{ id: "c" }] },
    { role: "assistant", content: "4" },
  ];
  for (
    const content of [
      "<think>a</think>",
      [{ type: "thinking", thinking: "a" }],
      [{ type: "text", text: "<think>a</think>\n" }],
    ]
  ) {
    assertEquals(withoutOldThinking([assistant(content), ...others]), others);
  }
  const [kept] = withoutOldThinking([{ ...assistant("<think>a</think>"), tool_calls: [{}] }]);
  assertEquals(kept, { role: "assistant", content: "", tool_calls: [{}] });
});

Deno.test("tool calls and messages without content stay as they are", () => {
  const calls = [{ id: "c", type: "function", function: { name: "f", arguments: "<think>" } }];
  const messages: Message[] = [
    { role: "assistant", content: null, tool_calls: calls },
    { role: "assistant", tool_calls: calls },
  ];
  assertEquals(withoutOldThinking(messages), messages);
});

Deno.test("messages of other roles are unchanged", () => {
  const messages: Message[] = (["system", "developer", "user", "tool", "function"] as const).map(
    (role) => ({ role, content: "<think>a</think>4", reasoning: "b" }),
  );
  for (const [i, message] of withoutOldThinking(messages).entries()) {
    assertStrictEquals(message, messages[i]);
  }
});

Deno.test("the client's messages are not changed in place", () => {
  const message = assistant([{ type: "text", text: "<think>a</think>4" }]);
  message.reasoning = "b";
  const before = structuredClone(message);
  withoutOldThinking([message]);
  assertEquals(message, before);
});

Deno.test("any old answer is accepted and never grows longer", () => {
  const text = fc.array(fc.constantFrom("<think>", "</think>", "<thought>", "</thought>", "a", " "))
    .map((parts) => parts.join(""));
  fc.assert(fc.property(text, (text) => {
    const kept = strip(text) as string;
    assert(kept.length <= text.length);
    assert(!/^\s*<(think|thought)>.*<\/\1>/.test(kept) && text.endsWith(kept));
  }));
  fc.assert(fc.property(fc.jsonValue(), (content) => {
    strip(content);
  }));
});

Deno.test("an answer of opening tags only takes linear time", () => {
  for (
    const tag of ["<think>", '<details type="reasoning">', "<reasoning><thought>", "<details "]
  ) {
    const text = tag.repeat(200_000);
    assertEquals(strip(text), text);
  }
});
