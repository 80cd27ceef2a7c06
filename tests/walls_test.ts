import { assert, assertEquals } from "@std/assert";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const LIB = fileURLToPath(new URL("../lib/", import.meta.url));
const TESTS = fileURLToPath(new URL("./", import.meta.url));

/** Folders of lib/ and the folders that each may import. All may import `lib/clock.ts` and `lib/std/`. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  std: [],
  upstream: [],
  store: [],
  playground: [],
  reasoning: ["upstream", "store"],
  api: ["reasoning"],
  config: ["upstream", "reasoning", "api", "store"],
  eval: ["server", "api", "reasoning", "upstream", "config"],
  server: ["api", "reasoning", "upstream", "config", "store", "playground"],
  cli: ["eval", "server", "api", "reasoning", "upstream", "config", "store", "playground"],
};

const IMPORT_REGEXP =
  /(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.[^"]+)"|import\("(\.[^"]+)"\)/g;

function filesBelow(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap((entry) =>
    entry.isDirectory ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)]
  );
}

/** Each file below a folder with the files it imports, relative to the folder. */
function graph(root = LIB): Map<string, string[]> {
  const files = filesBelow(root).filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  return new Map(files.map((file) => {
    const text = Deno.readTextFileSync(file);
    const targets = [...text.matchAll(IMPORT_REGEXP)].map((match) =>
      relative(root, normalize(join(dirname(file), (match[1] ?? match[2])!)))
    );
    return [relative(root, file), targets];
  }));
}

const roomOf = (file: string) => file.split("/")[0]!;

Deno.test("folders import only what they may", () => {
  const broken = [...graph()].flatMap(([file, targets]) =>
    targets
      .filter((target) => !target.startsWith("..") && roomOf(target) !== roomOf(file))
      .filter((target) => roomOf(target) !== "std" && target.includes("/"))
      .filter((target) => !MAY_IMPORT[roomOf(file)]?.includes(roomOf(target)))
      .map((target) => `${file} imports ${target}`)
  );
  assertEquals(broken, []);
});

Deno.test("bench and soak share only lib/ and tests/support/ with the tests", () => {
  const measuring = (file: string) => ["bench", "soak"].includes(roomOf(file));
  const broken = [...graph(TESTS)].flatMap(([file, targets]) =>
    targets
      .filter((target) => roomOf(target) !== roomOf(file))
      .filter((target) =>
        measuring(target) || measuring(file) && !["..", "support"].includes(roomOf(target))
      )
      .map((target) => `${file} imports ${target}`)
  );
  assertEquals(broken, []);
});

Deno.test("no two subfolders import each other", () => {
  const imports = new Set<string>();
  for (const [file, targets] of graph()) {
    for (const target of targets) {
      const [from, to] = [dirname(file), dirname(target)];
      if (
        from !== to && roomOf(file) === roomOf(target) && from.includes("/") && to.includes("/")
      ) {
        imports.add(`${from} ${to}`);
      }
    }
  }
  const mutual = [...imports].filter((pair) => imports.has(pair.split(" ").reverse().join(" ")));
  assertEquals(mutual, []);
});

Deno.test("no dialect imports another", () => {
  const dialects = new Set(
    [...graph().keys()].filter((file) => /^api\/\w+\/decode\.ts$/.test(file)).map(dirname),
  );
  assert(dialects.size >= 3);
  const broken = [...graph()].flatMap(([file, targets]) =>
    targets
      .filter((target) => dialects.has(dirname(file)) && dialects.has(dirname(target)))
      .filter((target) => dirname(file) !== dirname(target))
      .map((target) => `${file} imports ${target}`)
  );
  assertEquals(broken, []);
});

Deno.test("no folder holds more than 14 files", () => {
  const counts = Map.groupBy(graph().keys(), (file) => dirname(file));
  const crowded = [...counts].filter(([, files]) => files.length > 14).map(([folder]) => folder);
  assertEquals(crowded, []);
});

Deno.test("imports are not circular", () => {
  const files = graph();
  const cycles: string[] = [];
  const state = new Map<string, "open" | "done">();
  function visit(file: string, trail: string[]): void {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
      return;
    }
    state.set(file, "open");
    for (const target of files.get(file) ?? []) visit(target, [...trail, file]);
    state.set(file, "done");
  }
  for (const file of files.keys()) visit(file, []);
  assertEquals(cycles, []);
});

Deno.test("a start imports no package that is slow to load and rarely needed", () => {
  const STATIC_REGEXP = /(?:^|\n)(?:import|export) (?!type )[^;]*?from "([^"]+)"/g;
  const seen = new Set<string>();
  const packages = new Set<string>();
  function visit(file: string): void {
    if (seen.has(file)) return;
    seen.add(file);
    const text = Deno.readTextFileSync(join(LIB, file));
    for (const [, target] of text.matchAll(STATIC_REGEXP)) {
      if (!target!.startsWith(".")) packages.add(target!);
      else if (target!.endsWith(".ts")) visit(join(dirname(file), target!));
    }
  }
  visit("cli/main.ts");
  assert(seen.size > 150);
  assertEquals([...packages].sort(), [
    "@cfworker/json-schema",
    "@std/cli",
    "@std/crypto",
    "@std/http",
    "@std/json",
    "@std/text",
    "@std/yaml",
    "node:path",
    "zod",
  ]);
});

Deno.test("the table in docs/architecture.md lists every folder and what it may import", async () => {
  const text = await Deno.readTextFile(new URL("../docs/architecture.md", import.meta.url));
  const rows = [...text.matchAll(/^\| `lib\/(\w+)\/` +\|[^|]+\|([^|]+)\|$/gm)];
  const documented = rows.map(([, room, imports]) => [
    room,
    [...imports!.matchAll(/`(\w+)`/g)].map(([, name]) => name!).sort(),
  ]);
  assertEquals(
    Object.fromEntries(documented),
    Object.fromEntries(
      Object.entries(MAY_IMPORT).map(([room, imports]) => [room, imports.toSorted()]),
    ),
  );
  const rooms = [...Deno.readDirSync(LIB)].filter((entry) => entry.isDirectory);
  assertEquals(rooms.map(({ name }) => name).sort(), Object.keys(MAY_IMPORT).sort());
});

Deno.test("no generator or getter is created within a call, because it would keep the call's variables alive", () => {
  const files = [...graph().keys()].filter((file) => /^(?:api|reasoning|upstream)\//.test(file));
  for (const file of files) {
    const text = Deno.readTextFileSync(join(LIB, file));
    const inner =
      text.match(/^ +(?:(?:return |\w.* = )?(?:async )?function\*|(?:async )?\*\w+\().*/gm) ?? [];
    assertEquals(/^ +get \w+\(/m.test(text), false, file);
    // Those of strategies and of the client are created once.
    const other = inner.filter((line) => !/^ {2}async \*run\(|^ {4}async \*call\(/.test(line));
    assertEquals(other, [], file);
  }
});

Deno.test("the main module finishes, because Deno writes each chunk of a stream separately until then", () => {
  const text = Deno.readTextFileSync(join(LIB, "../main.ts"));
  assertEquals(text.match(/\bawait\b/g), null);
});

Deno.test("only one file reads response bodies, and no code or process is run", () => {
  for (const file of graph().keys()) {
    const text = Deno.readTextFileSync(join(LIB, file));
    if (file.startsWith("upstream/") && file !== "upstream/wire/bytes.ts") {
      assertEquals(
        /\.getReader\(|response\.(text|json|arrayBuffer)\(/.test(text),
        false,
        file,
      );
    }
    assertEquals(/\beval\(|new Function\(|\.Command\(/.test(text), false, file);
  }
});
