import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

/** An object that throws when it is made a text. */
const NO_TEXT = { toString: 1 };

const user = (...content: unknown[]) => ({
  model: "plain",
  max_tokens: 10,
  messages: [{ role: "user", content }],
});
const tool = (fields: object) => ({
  model: "plain",
  max_tokens: 10,
  messages: [{ role: "user", content: "a" }],
  tools: [{ name: "f", input_schema: {}, ...fields }],
});
const toolUse = (fields: object) => ({
  max_tokens: 10,
  messages: [
    { role: "user", content: "a" },
    { role: "assistant", content: [{ type: "tool_use", input: {}, ...fields }] },
    { role: "user", content: "b" },
  ],
});
const source = (fields: object) => user({ type: "document", source: { type: "text", ...fields } });

/** Bodies with a field of a wrong type, for which the server had no answer but a 500. */
const BODIES: Readonly<Record<string, readonly object[]>> = {
  "/v1/messages": [
    user(null),
    user({ type: "tool_result", tool_use_id: "a", content: [null] }),
    toolUse({ id: NO_TEXT, name: "f" }),
    toolUse({ id: "a", name: NO_TEXT }),
    user({ type: "tool_result", tool_use_id: "a", content: [{ type: NO_TEXT }] }),
    user({ type: "search_result", title: "a", source: "b", content: [null] }),
    user({ type: "search_result", title: NO_TEXT, source: "b", content: [] }),
    user({ type: "search_result", title: "a", source: NO_TEXT, content: [] }),
    user({ type: "document", title: NO_TEXT, source: { type: "text", data: "a" } }),
    user({ type: "document", context: NO_TEXT, source: { type: "text", data: "a" } }),
    user({ type: "document", source: null }),
    user({ type: "image", source: { type: "base64", media_type: NO_TEXT, data: "a" } }),
    source({ type: "base64", media_type: NO_TEXT, data: "a" }),
    source({ type: "content", content: [null] }),
    source({ type: "content", content: [[null]] }),
    tool({ description: NO_TEXT }),
    { ...user("a"), stop_sequences: [NO_TEXT] },
    { ...user("a"), system: [null] },
  ],
  "/v1/chat/completions": [
    user(null),
    user({ type: NO_TEXT }),
    { ...tool({}), tools: [{ type: "function", function: { name: "f", description: NO_TEXT } }] },
    { ...user("a"), tools: undefined, functions: [{ name: "f", description: NO_TEXT }] },
    { ...user("a"), stop: "a".repeat(100_000) },
    { ...user("a"), stop: [NO_TEXT] },
    { ...user("a"), reasoning: { strategy: NO_TEXT } },
    { messages: [{ role: "assistant", tool_calls: [{ id: "a", function: null }] }] },
  ],
  "/v1/responses": [
    { input: [null] },
    { input: [{ role: "user", content: [null] }] },
    { input: [{ type: "function_call_output", call_id: "a", output: [null] }] },
    { input: "a", tools: [{ type: "function", name: "f", description: NO_TEXT }] },
    { input: "a", tools: [{ type: "function", name: NO_TEXT }] },
    { input: "a", tools: [{ type: "function", name: "f", parameters: "a" }] },
    { input: "a", metadata: { a: NO_TEXT } },
    { input: "a", tool_choice: { type: "allowed_tools", mode: "auto", tools: [null] } },
    { input: "a", tool_choice: { type: "allowed_tools", tools: [{ type: NO_TEXT }] } },
    { input: "a", tool_choice: { type: "function", name: "f", namespace: NO_TEXT } },
    { input: [{ role: "user", content: [{ type: NO_TEXT }] }] },
    { input: [{ type: "function_call", call_id: "a", name: "f", namespace: NO_TEXT }] },
  ],
  "/v1/conversations": [
    { items: [{ type: "tool_search_output", call_id: "a", tools: [null] }] },
    { items: [{ type: "tool_search_output", call_id: "a", tools: [{ tools: "a" }] }] },
  ],
};

for (const [path, bodies] of Object.entries(BODIES)) {
  for (const strategy of ["steps", "think", "moa"]) {
    Deno.test(`a field of a wrong type gets 400: POST ${path}, ${strategy}`, async () => {
      await using upstream = startUpstream([{ content: "a" }]);
      const app = await createTestApp({ upstream: upstream.url });
      for (const body of bodies) {
        const headers = { "x-reasoning-strategy": strategy };
        const response = await app.send(path, { model: "plain", ...body }, { headers });
        assertEquals([response.status, body], [400, body]);
        await response.body?.cancel();
      }
      assertEquals(upstream.calls.length, 0);
    });
  }
}
