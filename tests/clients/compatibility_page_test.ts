import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const CLIENT_REGEXP =
  /^npm:((?:openai|ai|@ai-sdk\/[\w-]+|@anthropic-ai\/sdk|@langchain\/openai|@openai\/agents)@\d+\.\d+)/;

/** A package that the script for agents installs, or in the requirements of the Python clients. */
const PACKAGE_REGEXP = /(?<=^| )(@?[\w/-]+)(?:\[\w+\])?(?:@|==)(\d+\.\d+)/gm;

Deno.test("the tables of compatibility list exactly the clients that are tested, with their versions", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/compatibility.md", import.meta.url));
  const cells = page.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|")[1]!);
  const listed = cells.flatMap((cell) =>
    Array.from(
      cell.matchAll(/`([\w@/-]+)` (\d+\.\d+)/g),
      ([, name, version]) => `${name}@${version}`,
    )
  );
  const libraries = Object.values(config.imports)
    .flatMap((specifier) => CLIENT_REGEXP.exec(specifier)?.[1] ?? []);
  const installed = ["install.sh", "python/requirements.txt"]
    .map((path) => Deno.readTextFileSync(new URL(path, import.meta.url)))
    .join("\n");
  const packages = Array.from(
    installed.matchAll(PACKAGE_REGEXP),
    ([, name, version]) => `${name}@${version}`,
  ).filter((name) => !name.startsWith("node@"));
  assert(packages.length > 10);
  assertEquals(new Set(listed), new Set([...libraries, ...packages]));
});
