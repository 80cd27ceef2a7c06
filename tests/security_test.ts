import { assert, assertEquals } from "@std/assert";
import { PERMISSIONS } from "../scripts/compile.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** Rows of the table under a heading, without the table's head. */
async function rowsUnder(heading: string): Promise<string[][]> {
  const text = await read("docs/security.md");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("every defence names tests that exist", async () => {
  const rows = await rowsUnder("What is defended");
  assert(rows.length > 15);
  for (const [threat, defence, tests] of rows) {
    assert(threat !== "" && defence !== "");
    const files = [...tests!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    assert(files.length > 0, `no test for: ${threat}`);
    for (const file of files) {
      assert(/^tests\/.+_test\.ts$/.test(file), file);
      assert(/\bDeno\.test\(/.test(await read(file)), file);
    }
  }
});

Deno.test("the settings in the list of defences exist", async () => {
  const text = await read("docs/security.md");
  const { properties } = JSON.parse(await read("lib/config/config.schema.json"));
  const names = [...text.matchAll(/`server\.(\w+)`/g)].map((match) => match[1]!);
  assert(names.length > 2);
  for (const name of names) assert(name in properties.server.properties, name);
});

Deno.test("the permissions of every task and of the binary are documented", async () => {
  const { tasks } = JSON.parse(await read("deno.json"));
  const granted = new Map([["the binary", PERMISSIONS.join(" ")]]);
  for (const [name, command] of Object.entries<string>(tasks)) {
    const flags = command.match(/--allow-\S+/g);
    if (flags !== null) granted.set(`\`${name}\``, flags.join(" "));
  }
  const rows = await rowsUnder("What the process may do");
  const documented = new Map(rows.map(([task, flags]) => [task!, flags!.slice(1, -1)]));
  assertEquals(documented, granted);
});
