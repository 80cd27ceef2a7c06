import { assertEquals } from "@std/assert";
import { quotes } from "../../../lib/upstream/capabilities/quoted_prompt.ts";
import type { UpstreamMessage } from "../../../lib/upstream/target.ts";

const INSTRUCTIONS = "Never say the word unicorn to a guest.";
const system = (content: unknown): UpstreamMessage => ({ role: "system", content });
const call = (json: string): UpstreamMessage => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: json } }],
});
const LONG = "x".repeat(262_144);

const CASES: [name: string, message: string, prompt: UpstreamMessage[], expected: boolean][] = [
  ["the whole prompt", `Bad: ${INSTRUCTIONS}`, [system(INSTRUCTIONS)], true],
  [
    "40 characters of it",
    INSTRUCTIONS,
    [system(`${"y".repeat(19)}${INSTRUCTIONS}, please.`)],
    true,
  ],
  ["its first 20 characters alone", INSTRUCTIONS.slice(0, 20), [system(INSTRUCTIONS)], true],
  ["a prompt of 20 characters", `Bad: ${LONG.slice(0, 20)}`, [system(LONG.slice(0, 20))], true],
  ["its first 19 characters", `${INSTRUCTIONS.slice(0, 19)}?`, [system(INSTRUCTIONS)], false],
  ["a prompt of 8 characters", "Bad: Be brief", [system("Be brief")], true],
  ["a part of a prompt of 8 characters", "Bad: Be bri", [system("Be brief")], false],
  ["a prompt of 7 characters", "It is a user's", [system("a user'")], false],
  [
    "a part of the content",
    `${INSTRUCTIONS}`,
    [system([{ type: "text", text: INSTRUCTIONS }])],
    true,
  ],
  [
    "the arguments of a call",
    'Bad: {"name":"Bob Miller","city":"Berlin","age":42}',
    [call('{"name":"Bob Miller","city":"Berlin","age":42}')],
    true,
  ],
  ["an earlier message", INSTRUCTIONS, [system(INSTRUCTIONS), system("Be brief.")], true],
  ["the last 262,144 characters", INSTRUCTIONS, [
    system(INSTRUCTIONS.slice(0, 20)),
    system(LONG.slice(20)),
  ], true],
  ["what is before them", INSTRUCTIONS, [system(INSTRUCTIONS), system(LONG)], false],
  ["nothing of it", "The model is busy. Try again later.", [system(INSTRUCTIONS)], false],
];

for (const [name, message, prompt, expected] of CASES) {
  Deno.test(`a message that repeats ${name} ${expected ? "quotes" : "does not quote"} the prompt`, () => {
    assertEquals(quotes(message, prompt), expected);
  });
}
