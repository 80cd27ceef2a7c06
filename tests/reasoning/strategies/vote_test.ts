import { assertEquals } from "@std/assert";
import { kindsOf } from "../../support/kinds.ts";
import { startUpstream } from "../../support/upstream.ts";
import { createStrategyApp } from "./setup/app.ts";

Deno.test("a vote on JSON compares values, not how they are written", async () => {
  const texts = ['{"a":1,"b":[2]}', '{ "b": [ 2 ], "a": 1 }', '```json\n{"a":1,"b":[2]}\n```'];
  await using upstream = startUpstream(({ index }) => ({ content: texts[index % 3]! }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("vote", {
    response_format: { type: "json_object" },
    reasoning_effort: "high",
  });
  assertEquals(JSON.parse(content), { a: 1, b: [2] });
  // The four of the first wave agree.
  assertEquals(kindsOf(upstream).sample, 4);
});
