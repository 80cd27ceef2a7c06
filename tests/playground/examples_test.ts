import { assertEquals, assertStringIncludes } from "@std/assert";
import { codeExamples } from "../../lib/playground/page/code/examples.ts";

const PICTURE = `data:image/png;base64,${"A".repeat(5000)}`;

const BODY = {
  model: "o1",
  messages: [{
    role: "user",
    content: [
      { type: "text", text: `It's "quoted", with \\ and \n and $HOME` },
      { type: "image_url", image_url: { url: PICTURE } },
    ],
  }],
  stream: true,
  stream_options: { include_usage: true },
  reasoning_effort: "high",
  reasoning: { events: true, strategy: "vote" },
  reasoning_format: "reasoning",
};

const code = codeExamples(BODY, "http://localhost:18888/v1");

Deno.test("the curl example is one command, which a shell reads back as the same body", async () => {
  const script = `curl() { printf '%s\\0' "$@"; }\nexport O1_API_KEY=k\n${code.curl}`;
  const { stdout, success } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  assertEquals(success, true);
  const args = new TextDecoder().decode(stdout).split("\0");
  assertEquals(args[1], "http://localhost:18888/v1/chat/completions");
  assertStringIncludes(args.join("\n"), "Authorization: Bearer k\n");
  const body = JSON.parse(args[args.indexOf("-d") + 1]!);
  assertEquals(body.messages[0].content[0], BODY.messages[0]!.content[0]);
  assertEquals(body.reasoning, { strategy: "vote" });
  assertEquals(body.reasoning_effort, "high");
});

Deno.test("no example contains fields that only the page needs, and pictures are shortened", () => {
  for (const [name, text] of Object.entries(code)) {
    assertEquals(/events|reasoning_format|stream_options/.test(text), false, name);
    assertEquals(text.includes("AAAA".repeat(100)), false, name);
    assertStringIncludes(text, "data:image/png;base64,AAAA");
    assertStringIncludes(text, "O1_API_KEY");
    assertStringIncludes(text, "http://localhost:18888/v1");
  }
});

Deno.test("the Python example uses Python literals", () => {
  assertStringIncludes(code["openai · Python"]!, "    stream=True,\n");
  assertStringIncludes(
    code["openai · Python"]!,
    `    extra_body={\n        "reasoning": {\n            "strategy": "vote",\n        },\n    },`,
  );
});

Deno.test("the JavaScript examples are valid JavaScript", async () => {
  for (const name of ["openai · JS", "AI SDK"]) {
    const file = await Deno.makeTempFile({ suffix: ".mjs" });
    try {
      await Deno.writeTextFile(file, code[name]!);
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["fmt", "--check", file],
        env: { NO_COLOR: "1" },
      }).output();
      // The layout may differ; a syntax error has another message.
      const text = new TextDecoder().decode(stderr);
      assertEquals(success || /not formatted/.test(text), true, text);
    } finally {
      await Deno.remove(file);
    }
  }
});

Deno.test("the examples of a plain question don't mention strategies", () => {
  const plain = codeExamples({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    reasoning: { events: true },
  }, "http://x/v1");
  for (const text of Object.values(plain)) {
    assertEquals(/strategy|providerOptions|extra_body/.test(text), false);
  }
});
