/** The program with a strategy from a file. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  copyProgram,
  PERMISSIONS,
  ROOT,
  runProgram,
  startProgram,
  writeConfig,
} from "../support/program.ts";
import { fetchInTime, waitFor } from "../support/wait.ts";

const TOKEN = "a-token-of-its-own";

const YAML = `api_bearer_token: "${TOKEN}"
strategies: { mine: ./strategies/mine.ts }
models: { m: { strategy: mine } }
`;

const code = (answer: string) =>
  `import type { Api } from "./nowhere.ts";
export const version: number = 1;
export default ({ defineStrategy, z, showAnswer }: Api) =>
  defineStrategy({
    summary: "Says the same.",
    label: { calls: "0", latency: "none" },
    options: z.strictObject({}),
    prompts: {},
    roles: ["answer"],
    async *run(context) {
      yield* showAnswer(context, "${answer}", "stop");
    },
  });
`;

async function writeFiles(answer: string) {
  const config = await writeConfig(YAML);
  const folder = config.path.replace("/config.yaml", "/strategies");
  await Deno.mkdir(folder);
  const file = `${folder}/mine.ts`;
  await Deno.writeTextFile(file, code(answer));
  return { ...config, file, [Symbol.asyncDispose]: config[Symbol.asyncDispose] };
}

async function ask(url: string): Promise<string> {
  const response = await fetchInTime(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] }),
  });
  return (await response.json()).choices[0].message.content;
}

const WORKERS = {
  path: Deno.execPath(),
  args: ["run", "--unstable-net", ...PERMISSIONS, `${ROOT}main.ts`],
};

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  Deno.test(`a changed strategy file is reloaded by ${workers} worker(s), and a faulty one is ignored`, async () => {
    await using config = await writeFiles("one");
    await Deno.writeTextFile(config.path, `${YAML}server: { workers: ${workers} }\n`);
    await using program = await startProgram({
      args: ["--config", config.path],
      ...(workers === 1 ? {} : { command: WORKERS }),
    });
    const answers = async () =>
      new Set(await Promise.all(Array.from({ length: 8 }, () => ask(program.url))));
    assertEquals(await answers(), new Set(["one"]));
    await Deno.writeTextFile(config.file, code("two"));
    await program.logged("was reloaded");
    assertEquals(await answers(), new Set(["two"]));
    await Deno.writeTextFile(config.file, code("three").replace("1;", "1;;const = 3;"));
    // The file may have been read while it was still empty.
    const fault = "config.yaml:2: strategies.mine: ./strategies/mine.ts:2:41: SyntaxError";
    assertStringIncludes(await program.logged(fault), "was not reloaded");
    assertEquals(await answers(), new Set(["two"]));
  });
}

Deno.test("on SIGTERM the process exits although a strategy file has a timer", async () => {
  await using config = await writeFiles("one");
  await Deno.writeTextFile(config.file, `${code("one")}setInterval(() => {}, 3_600_000);\n`);
  await using program = await startProgram({ args: ["--config", config.path] });
  assertEquals(await ask(program.url), "one");
  program.kill("SIGTERM");
  assertEquals((await waitFor("the end of the process", program.ended)).code, 0);
});

Deno.test("check and ask load strategy files", async () => {
  await using config = await writeFiles("from a file");
  const args = ["--config", config.path];
  const checked = await runProgram({ args: ["check", ...args] });
  assertStringIncludes(checked.stdout, "no faults. Models: m");
  const asked = await runProgram({ args: ["ask", ...args, "x"] });
  assertEquals([asked.code, asked.stdout], [0, "from a file\n"]);
  await Deno.writeTextFile(config.path, YAML.replace("strategy: mine", "strategy: direct"));
  const chosen = await runProgram({ args: ["ask", "--strategy", "mine", ...args, "x"] });
  assertEquals([chosen.code, chosen.stdout], [0, "from a file\n"]);
  await Deno.writeTextFile(config.file, "export const version = 1;\n");
  const faulty = await runProgram({ args: ["check", ...args] });
  assertEquals(faulty.code, 1);
  assertStringIncludes(faulty.stderr, "config.yaml:2: strategies.mine: ./strategies/mine.ts: must");
});

/** Makes the program what it is in a compiled executable: one that parses no TypeScript. */
const PRELOAD = `
Object.defineProperty(Deno, "build", { value: Object.freeze({ ...Deno.build, standalone: true }) });
`;

Deno.test("the executable loads strategy files beside its config.yaml", async () => {
  await using config = await writeFiles("from a file");
  const folder = config.path.replace("/config.yaml", "");
  await copyProgram(Deno.execPath(), `${folder}/o1-api`);
  await Deno.writeTextFile(`${folder}/preload.ts`, PRELOAD);
  const command = {
    path: `${folder}/o1-api`,
    args: [
      "run",
      "--frozen",
      ...PERMISSIONS,
      "--preload",
      `${folder}/preload.ts`,
      `${ROOT}main.ts`,
    ],
  };
  const { code: exit, stdout, stderr } = await runProgram({
    command,
    args: ["ask", "x"],
    cwd: "/",
  });
  assertEquals([exit, stdout, stderr], [0, "from a file\n", ""]);
  await Deno.writeTextFile(config.file, "const a: number = ;\n");
  const faulty = await runProgram({ command, args: ["check"], cwd: "/" });
  assertStringIncludes(faulty.stderr, "strategies.mine: ./strategies/mine.ts: SyntaxError");
  assert(!faulty.stderr.includes("Check "));
});
