import { assert } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const CLIENTS =
  /^npm:(openai|ai|@ai-sdk\/[\w-]+|@anthropic-ai\/sdk|@langchain\/openai|@openai\/agents)@(\d+)\.(\d+)/;

Deno.test("the table of compatibility names every client that is tested, and its version", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/compatibility.md", import.meta.url));
  const rows = page.split("\n").filter((line) => line.startsWith("|"));
  for (const specifier of Object.values(config.imports)) {
    const [, name, major, minor] = CLIENTS.exec(specifier) ?? [];
    if (name === undefined) continue;
    const named = rows.some((row) => {
      const at = row.indexOf(`\`${name}\` ${major}`);
      return at >= 0 &&
        new RegExp(`^\`[^\`]+\` ${major}(\\.${minor}(\\.\\d+)?)?(?![\\d.])`).test(row.slice(at));
    });
    assert(named, `the table does not name \`${name}\` ${major} (tested: ${specifier})`);
  }
});
