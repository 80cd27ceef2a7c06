import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const CLIENT_REGEXP =
  /^npm:((?:openai|ai|@ai-sdk\/[\w-]+|@anthropic-ai\/sdk|@langchain\/openai|@openai\/agents)@\d+\.\d+)/;

Deno.test("the table of compatibility lists exactly the clients that are tested, with their versions", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/compatibility.md", import.meta.url));
  const cells = page.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|")[1]!);
  const listed = cells.flatMap((cell) =>
    Array.from(
      cell.matchAll(/`([\w@/-]+)` (\d+\.\d+)/g),
      ([, name, version]) => `${name}@${version}`,
    )
  );
  const tested = Object.values(config.imports)
    .flatMap((specifier) => CLIENT_REGEXP.exec(specifier)?.[1] ?? []);
  assertEquals(new Set(listed), new Set(tested));
});
