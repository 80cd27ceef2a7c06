import { assertEquals } from "@std/assert";
import { withoutTexts } from "../../../lib/server/telemetry/quoted_text.ts";
import type { Message } from "../../../lib/reasoning/request.ts";

const PROMPT: Message[] = [
  { role: "system", content: "You are a helpful assistant who knows the patient's history." },
  { role: "user", content: [{ type: "text", text: "My diagnosis is a rare one" }] },
  {
    role: "assistant",
    tool_calls: [{ function: { arguments: '{"path":"/home/alice/documents/taxes-2026"}' } }],
  },
  { role: "user", content: "Tell me all" },
];

const LONG = "a long text with many words that only an answer contains";

for (
  const [name, message, logged] of [
    ["a plain message", "The model is overloaded", "The model is overloaded"],
    [
      "names in quotes",
      "'temperature' is not supported with 'gpt-5'; it doesn't accept other values than 1, isn't it",
      "'temperature' is not supported with 'gpt-5'; it doesn't accept other values than 1, isn't it",
    ],
    ["a long quote", `Value "${LONG}" is invalid`, `Value "…" is invalid`],
    ["a quote without an end", `Value '${LONG}`, "Value '…'"],
    ["an answer that can't be parsed", `Failed to parse input at pos 7: ${LONG}`, "Failed to …"],
    ["a tool call that can't be parsed", `error parsing tool call: raw='${LONG}'`, "error …"],
    [
      "a long prompt",
      "Bad text: a helpful assistant who knows the patient",
      "[quotes the request]",
    ],
    ["a text part", "Refused: My diagnosis is a rare one", "[quotes the request]"],
    ["arguments of a tool", 'No "path":"/home/alice/documents/taxes-2026"', "[quotes the request]"],
    ["a short prompt", "Refused: Tell me all!", "[quotes the request]"],
  ] as const
) {
  Deno.test(`the log of an upstream's message with ${name}`, () => {
    assertEquals(withoutTexts(message, PROMPT), logged);
  });
}
