import { assertEquals, assertStringIncludes } from "@std/assert";
import { threads } from "../../reasoning/tools/setup.ts";
import { call, createAttackedApp, MCP_KEY, once, SEARCH_KEY } from "./setup.ts";

for (const name of ["web_search", "m__echo"]) {
  Deno.test(
    `the keys of ${name} are in no log, metric, event, answer and prompt`,
    threads,
    async () => {
      await using served = await createAttackedApp(once(call(name, { query: "deno" })));
      const { app, upstream, lines, search, mcp } = served;
      search.open();
      mcp.open();
      const texts = [
        await (await app.chat({ model: "all", stream: true, reasoning: { events: true } })).text(),
        await (await app.respond({ model: "all", tools: [{ type: "web_search" }] })).text(),
        await (await app.respond({ model: "all", stream: true })).text(),
        await (await app.send("/metrics")).text(),
        lines.join("\n"),
        JSON.stringify(upstream.calls.map(({ body }) => body)),
      ];
      // The services did get them.
      const key = name === "web_search" ? `Bearer ${SEARCH_KEY}` : MCP_KEY;
      assertEquals(served.keys().includes(key), true);
      assertStringIncludes(texts[0]!, "tool_end");
      for (const text of texts) {
        for (const secret of [SEARCH_KEY, MCP_KEY]) {
          assertEquals(text.includes(secret), false, text);
        }
      }
    },
  );
}
