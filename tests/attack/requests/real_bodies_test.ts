import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

const MB = 1_000_000;

/** Bodies as clients really send them, with the default settings. */
const BODIES: Readonly<Record<string, () => object[]>> = {
  "20 images of 1 MB": () =>
    Array.from({ length: 20 }, () => {
      const url = `data:image/png;base64,${"A".repeat(4 / 3 * MB)}`;
      return { type: "image_url", image_url: { url } };
    }),
  "a context of a million tokens": () => [{ type: "text", text: "word ".repeat(MB) }],
  "a context of a million tokens in another alphabet": () => [
    { type: "text", text: "слово ".repeat(MB / 2) },
  ],
};

for (const [name, parts] of Object.entries(BODIES)) {
  Deno.test(`the default limit of a body is large enough for ${name}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const app = await createTestApp({ upstream: upstream.url });
    const response = await app.chat({
      model: "plain",
      messages: [{ role: "user", content: [{ type: "text", text: "What is this?" }, ...parts()] }],
    });
    assertEquals([response.status, (await response.json()).choices?.[0].message.content], [
      200,
      "4",
    ]);
  });
}

Deno.test("an agent's long session is not too wide", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const tools = Array.from({ length: 128 }, (_, index) => ({
    type: "function",
    function: {
      name: `tool_${index}`,
      parameters: {
        type: "object",
        properties: Object.fromEntries(
          Array.from({ length: 20 }, (_, field) => [`field_${field}`, { type: "string" }]),
        ),
      },
    },
  }));
  const turns = Array.from({ length: 1_000 }, (_, index) => [
    {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: `call_${index}`, type: "function", function: { name: "tool_1", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: `call_${index}`, content: "done" },
  ]).flat();
  const response = await app.chat({
    model: "plain",
    tools,
    messages: [{ role: "user", content: "Go on." }, ...turns],
  });
  assertEquals([response.status, (await response.json()).choices?.[0].message.content], [200, "4"]);
});
