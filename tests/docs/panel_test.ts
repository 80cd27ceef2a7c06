import { assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { blocksOf, readPage } from "./markdown.ts";

Deno.test("the documented panel asks its three models and its writer", async () => {
  await using upstream = startUpstream(({ body: { model } }) => ({
    content: model.startsWith("llama") ? "Paris, on the Seine." : "Paris.",
  }));
  const isPanel = ({ kind, text }: { kind: string; text: string }) =>
    kind === "yaml" && text.includes("  panel:");
  const { text } = blocksOf(await readPage("docs/strategies.md")).find(isPanel)!;
  const yaml = text.replace(/^api_bearer_token.*\n/, "")
    .replaceAll(/base_url: \S+/g, `base_url: ${upstream.url}`)
    .replaceAll(/\$\{\w+\}/g, "key-4711");
  const { chat } = await createTestApp({ upstream: upstream.url, yaml });
  const { choices, usage } = await (await chat({ model: "panel" })).json();
  assertEquals(choices[0].message.content, "Paris.");
  assertEquals(upstream.calls.map(({ body }) => body.model).sort(), [
    "gpt-4o-mini",
    "gpt-4o-mini",
    "llama-3.3-70b-versatile",
    "mistral-small-latest",
  ]);
  assertEquals(
    usage.upstream.contributions.map(({ accepted }: { accepted: number }) => accepted),
    [0.333, 0.333, 0.333],
  );
});
