import { assertEquals } from "@std/assert";
import { createFencedCallReader } from "../../../lib/reasoning/tools/fenced_calls.ts";

Deno.test("a call is found after a block that is too long to be a call", () => {
  const reader = createFencedCallReader((name) => name === "code");
  const long = `\`\`\`tool\n${"x".repeat(200_001)}`;
  assertEquals(reader.push(long), { text: long });
  const { text, call } = reader.push('\n```\n```tool\n{"name": "code"}\n```');
  assertEquals(text, "\n```\n");
  assertEquals(call, { index: 0, name: "code", arguments: "{}" });
});
