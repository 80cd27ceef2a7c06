import { assertEquals } from "@std/assert";
import { blocksOf, readPage } from "../../docs/markdown.ts";
import { startUpstream } from "../../support/upstream.ts";
import { codeCall, createToolApp, resultsOf, threads } from "../../reasoning/tools/setup.ts";
import { jsonOf } from "./setup.ts";

const QUESTION = "What is 2 to the power of 100?";

Deno.test("docs/tools.md shows what each API answers to one question", threads, async () => {
  // It can't calculate: it repeats what its code has printed.
  await using upstream = startUpstream((call) => {
    const [result] = resultsOf(call);
    return result === undefined ? codeCall("2n ** 100n") : { content: /\d{20,}/.exec(result)![0] };
  });
  await using app = await createToolApp(upstream);
  const messages = [{ role: "user", content: QUESTION }];
  const chat = await jsonOf(app.chat({ model: "direct", messages }));
  const response = await jsonOf(app.respond({
    model: "direct",
    input: QUESTION,
    tools: [{ type: "code_interpreter", container: { type: "auto" } }],
  }));
  const message = await jsonOf(app.send("/v1/messages", {
    model: "direct",
    max_tokens: 4_000,
    messages,
    tools: [{ type: "code_execution_20250522", name: "code_execution" }],
  }, { headers: { "anthropic-version": "2023-06-01" } }));
  const answers = [chat.choices[0].message, response.output, message.content];

  const page = await readPage("docs/tools.md");
  const [, section] = /^## One question in each API\n([^]*?)^## /m.exec(page.text)!;
  const blocks = blocksOf({ ...page, text: section! }).map(({ text }) => JSON.parse(text));
  const plain = JSON.stringify(answers).replaceAll(/"([a-z]+)_[\da-zA-Z]{20,}"/g, '"$1_…"');
  assertEquals(blocks, JSON.parse(plain));
});
