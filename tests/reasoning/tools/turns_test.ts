import { assertEquals, assertMatch } from "@std/assert";
import type { Message } from "../../../lib/reasoning/request.ts";
import { type Call, shorten, turnMessages } from "../../../lib/reasoning/tools/turns.ts";
import type { ToolResult } from "../../../lib/tools/tool.ts";

Deno.test("the middle of a long text is left out without cutting a character in half", () => {
  for (const start of ["", "x"]) {
    const text = shorten(start + "😀".repeat(30), 21);
    assertMatch(text, /^x?\p{Emoji}+\n\[\d+ characters left out\]\n\p{Emoji}+$/u);
  }
});

Deno.test("three quarters of a shortened text are its start", () => {
  assertEquals(shorten("abcdefghijklmnop", 8), "abcdef\n[8 characters left out]\nop");
  assertEquals(shorten("abcdefgh", 8), "abcdefgh");
});

const CALL = { id: "c1", name: "add", arguments: '{"a":1}' };
const TEXT: ToolResult = { content: [{ type: "text", text: "42" }] };
const IMAGE: ToolResult = { content: [{ type: "image", url: "data:image/png;base64,AAAA" }] };
const PART = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
const FUNCTION = { name: "add", arguments: '{"a":1}' };
const TOOL_CALL = { id: "c1", type: "function", function: FUNCTION };
const BLOCK = '```tool\n{"name": "add", "arguments": {"a":1}}\n```';
const RESULT: Message = { role: "tool", tool_call_id: "c1", content: "add: 42" };

const TURNS: {
  what: string;
  given: [text: string, calls: Call[], results: ToolResult[], inWords: boolean];
  messages: Message[];
}[] = [
  {
    what: "a call",
    given: ["", [CALL], [TEXT], false],
    messages: [{ role: "assistant", content: null, tool_calls: [TOOL_CALL] }, RESULT],
  },
  {
    what: "a call after a text",
    given: ["Let me see.", [CALL], [TEXT], false],
    messages: [{ role: "assistant", content: "Let me see.", tool_calls: [TOOL_CALL] }, RESULT],
  },
  {
    what: "a call with the provider's state",
    given: ["", [{ ...CALL, extra: { seal: "s" } }], [TEXT], false],
    messages: [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ ...TOOL_CALL, extra_content: { seal: "s" } }],
      },
      RESULT,
    ],
  },
  {
    what: "two calls, of which one has an image",
    given: ["", [CALL, { ...CALL, id: "c2" }], [IMAGE, TEXT], false],
    messages: [
      { role: "assistant", content: null, tool_calls: [TOOL_CALL, { ...TOOL_CALL, id: "c2" }] },
      { ...RESULT, content: "add: [image]" },
      { ...RESULT, tool_call_id: "c2" },
      { role: "user", content: [PART] },
    ],
  },
  {
    what: "a call in words",
    given: ["\n", [CALL], [TEXT], true],
    messages: [{ role: "assistant", content: BLOCK }, { role: "user", content: "add: 42" }],
  },
  {
    what: "a call in words after a text, with an image",
    given: ["Let me see.\n", [CALL], [IMAGE], true],
    messages: [
      { role: "assistant", content: `Let me see.\n\n${BLOCK}` },
      { role: "user", content: [{ type: "text", text: "add: [image]" }, PART] },
    ],
  },
];

for (const { what, given: [text, calls, results, inWords], messages } of TURNS) {
  Deno.test(`the next call gets ${what}`, () => {
    const prompt = (_: string, { name, output }: Readonly<Record<string, string>>) =>
      `${name}: ${output}`;
    assertEquals(turnMessages(text, calls, results, { inWords, prompt }), messages);
  });
}
