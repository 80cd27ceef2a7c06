import { assert, assertEquals } from "@std/assert";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { compileArguments } from "../scripts/compile.ts";

const LIB = fileURLToPath(new URL("../lib/", import.meta.url));
const TESTS = fileURLToPath(new URL("./", import.meta.url));

/** Folders of lib/ and the folders that each may import. All may import the modules of `lib/` itself and of `lib/std/`. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  std: [],
  upstream: [],
  tools: [],
  store: [],
  playground: [],
  reasoning: ["upstream", "tools"],
  api: ["reasoning"],
  config: ["upstream", "tools", "reasoning", "api", "store"],
  eval: ["server", "reasoning", "upstream", "config"],
  server: ["api", "reasoning", "upstream", "tools", "config", "store", "playground"],
  cli: ["eval", "server", "api", "reasoning", "upstream", "config", "store"],
};

const IMPORT_REGEXP =
  /(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.[^"]+)"|import\("(\.[^"]+)"\)/g;

function filesBelow(dir: string): string[] {
  const entries = [...Deno.readDirSync(dir)].filter(({ name }) => name !== "node_modules");
  return entries.flatMap((entry) =>
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

Deno.test("folders may import only what they do import", () => {
  const used = new Set(
    [...graph()].flatMap(([file, targets]) =>
      targets.map((target) => `${roomOf(file)} imports ${roomOf(target)}`)
    ),
  );
  const permitted = Object.entries(MAY_IMPORT).flatMap(([room, targets]) =>
    targets.map((target) => `${room} imports ${target}`)
  );
  assertEquals(permitted.filter((line) => !used.has(line)), []);
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
  const crowded = [LIB, TESTS].flatMap((root) => {
    const counts = Map.groupBy(graph(root).keys(), (file) => dirname(join(root, file)));
    return [...counts].filter(([, files]) => files.length > 14).map(([folder]) => folder);
  });
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

interface Module {
  specifier: string;
  dependencies?: { specifier: string; code?: { specifier: string }; isDynamic?: boolean }[];
}

Deno.test("a start imports no package that is slow to load and rarely needed", async () => {
  const main = new URL("../main.ts", import.meta.url).href;
  const serve = new URL("../lib/cli/serve/serve.ts", import.meta.url).href;
  const args = ["info", "--json", main];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  const modules: Module[] = JSON.parse(new TextDecoder().decode(stdout)).modules;
  const byUrl = new Map(modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const packages = new Set<string>();
  function visit(url: string): void {
    if (seen.has(url)) return;
    seen.add(url);
    for (const { specifier, code, isDynamic } of byUrl.get(url)?.dependencies ?? []) {
      // Types are not loaded.
      if (code === undefined || isDynamic) continue;
      if (specifier.startsWith(".")) visit(code.specifier);
      else packages.add(specifier);
    }
  }
  visit(main);
  // Imported on demand, as every command.
  assert(byUrl.has(serve));
  visit(serve);
  assert(seen.size > 150);
  assertEquals([...packages].sort(), [
    "@cfworker/json-schema",
    "@std/async",
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

/** Calls `visit` for each node of a file, and tells it whether the node is within a function. */
function walk(file: ts.Node, visit: (node: ts.Node, isInner: boolean) => void): void {
  const step = (node: ts.Node, isInner: boolean): void => {
    visit(node, isInner);
    ts.forEachChild(node, (child) => step(child, isInner || ts.isFunctionLike(node)));
  };
  step(file, false);
}

Deno.test("no generator or getter is created within a call, because it would keep the call's variables alive", () => {
  const inner: string[] = [];
  for (const file of graph().keys()) {
    if (!/^(?:api|reasoning|upstream)\//.test(file)) continue;
    const text = Deno.readTextFileSync(join(LIB, file));
    walk(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true), (node, isInner) => {
      const isGenerator = ts.isFunctionLike(node) && "asteriskToken" in node && node.asteriskToken;
      if (isInner && (isGenerator || ts.isGetAccessor(node))) {
        inner.push(`${file}: ${node.getText().split("(")[0]}`);
      }
    });
  }
  // That of the client is created once.
  assertEquals(inner, ["upstream/client.ts: async *call"]);
});

const READS = ["body", "json", "text", "arrayBuffer", "blob", "bytes", "formData"];

Deno.test("one file reads the bodies of upstreams", () => {
  const files = [...graph().keys()].filter((file) => file.startsWith("upstream/"));
  const program = ts.createProgram(files.map((file) => join(LIB, file)), {
    strict: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const checker = program.getTypeChecker();
  const isResponse = (node: ts.Node) =>
    !ts.isNewExpression(node) &&
    checker.getTypeAtLocation(node).getSymbol()?.name === "Response";
  const readers = new Set<string>();
  for (const file of files) {
    walk(program.getSourceFile(join(LIB, file))!, (node) => {
      const isRead = ts.isPropertyAccessExpression(node) && READS.includes(node.name.text) &&
        isResponse(node.expression);
      const isUnpacked = ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) &&
        node.initializer !== undefined && isResponse(node.initializer);
      if (isRead || isUnpacked) readers.add(file);
    });
  }
  assertEquals([...readers], ["upstream/wire/bytes.ts"]);
});

Deno.test("the executable contains the script of every thread", () => {
  const scripts = filesBelow(LIB).filter((file) => file.endsWith(".ts")).flatMap((file) =>
    [...Deno.readTextFileSync(file).matchAll(/new URL\("(\.\/\w+\.ts)", import\.meta\.url\)/g)]
      .map((match) => relative(join(LIB, ".."), join(dirname(file), match[1]!)))
  );
  assertEquals(scripts.length, 4);
  const missing = scripts.filter((script) => !compileArguments("o1-api").includes(script));
  assertEquals(missing, []);
});
