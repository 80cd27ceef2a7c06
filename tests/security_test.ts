import { assert, assertEquals } from "@std/assert";
import { PERMISSIONS } from "../scripts/compile.ts";
import { COMMANDS } from "./commands.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** Rows of the table under a heading, without the table's head. */
async function rowsUnder(heading: string): Promise<string[][]> {
  const text = await read("docs/security.md");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("every defence names its tests, which use the settings of the defence", async () => {
  const { properties } = JSON.parse(await read("lib/config/config.schema.json"));
  const rows = await rowsUnder("What is defended");
  assert(rows.length > 15);
  let settings = 0;
  for (const [threat, defence, tests] of rows) {
    const files = [...tests!.matchAll(/`(tests\/[^`]+_test\.ts)`/g)].map((match) => match[1]!);
    assert(files.length > 0, `no test for: ${threat}`);
    const texts = await Promise.all(files.map(read));
    for (const [, name] of defence!.matchAll(/`server\.(\w+)`/g)) {
      settings++;
      assert(name! in properties.server.properties, name);
      assert(texts.some((text) => text.includes(`${name}:`)), `${files} never set ${name}`);
    }
  }
  assert(settings > 2);
});

Deno.test("the permissions of every task, script and of the binary are documented", async () => {
  const granted = new Map([["the binary", PERMISSIONS.join(" ")]]);
  for (const { name, command } of COMMANDS) {
    const flags = command.match(/--allow-\S+/g);
    if (flags !== null) granted.set(`\`${name}\``, flags.join(" "));
  }
  const rows = await rowsUnder("What the process may do");
  const documented = new Map(rows.map(([command, flags]) => [command!, flags!.slice(1, -1)]));
  assertEquals(documented, granted);
});
