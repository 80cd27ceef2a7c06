import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** The rows of the table under a heading, without its head. */
async function rowsUnder(heading: string): Promise<string[][]> {
  const text = await read(".github/SECURITY.md");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("every defence has a proof that is there", async () => {
  const rows = await rowsUnder("What is defended");
  assert(rows.length > 15);
  for (const [threat, defence, proof] of rows) {
    assert(threat !== "" && defence !== "");
    const files = [...proof!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    assert(files.length > 0, `no test proves: ${threat}`);
    for (const file of files) {
      assert(/^tests\/.+_test\.ts$/.test(file), file);
      assert(/\bDeno\.test\(/.test(await read(file)), file);
    }
  }
});

Deno.test("the settings that the defences name are there", async () => {
  const text = await read(".github/SECURITY.md");
  const { properties } = JSON.parse(await read("lib/config/config.schema.json"));
  const names = [...text.matchAll(/`server\.(\w+)`/g)].map((match) => match[1]!);
  assert(names.length > 2);
  for (const name of names) assert(name in properties.server.properties, name);
});

Deno.test("the permissions of every task are told as they are", async () => {
  const { tasks } = JSON.parse(await read("deno.json"));
  const commands = Object.entries<string | { command?: string }>(tasks).map((
    [name, task],
  ) => [name, typeof task === "string" ? task : task.command ?? ""] as const);
  const granted = new Map(
    commands.flatMap(([name, command]) => {
      const flags = command.match(/--allow-\S+/g);
      return flags === null ? [] : [[name, flags.join(" ")]];
    }),
  );
  const rows = await rowsUnder("What the process may do");
  const told = new Map(rows.map(([task, flags]) => [task!.slice(1, -1), flags!.slice(1, -1)]));
  for (const [name, flags] of granted) {
    // Binaries for other machines may do what the one for this machine may.
    assertEquals(told.get(name.replace(/^compile:.+$/, "compile")), flags, name);
  }
  for (const name of told.keys()) assert(granted.has(name), name);
});
