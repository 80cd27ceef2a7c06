import { assertEquals } from "@std/assert";
import { createWordsReader } from "../../../lib/reasoning/tools/words.ts";

Deno.test("a call is found after a block that is too long to be a call", () => {
  const reader = createWordsReader((name) => name === "code");
  const long = `\`\`\`tool\n${"x".repeat(200_001)}`;
  assertEquals(reader.push(long), { text: long });
  const { text, call } = reader.push('\n```\n```tool\n{"name": "code"}\n```');
  assertEquals(text, "\n```\n");
  assertEquals(call, { index: 0, name: "code", arguments: "{}" });
});
