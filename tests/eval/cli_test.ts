import { compileArguments, PERMISSIONS as COMPILED_PERMISSIONS } from "../../scripts/compile.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cleanEnv, PERMISSIONS, ROOT, runProgram } from "../support/program.ts";
import { startUpstream } from "../support/upstream.ts";
import { createBench } from "./session.ts";
import { waitFor } from "../support/wait.ts";

const command = (write?: string) => ({
  path: Deno.execPath(),
  args: [
    "run",
    ...PERMISSIONS,
    ...(write === undefined ? [] : [`--allow-write=${write}`]),
    `${ROOT}main.ts`,
    "eval",
  ],
});

/** Makes `Deno.build.standalone` true, as it is in a compiled executable. */
const STANDALONE =
  `Object.defineProperty(Deno, "build", { value: Object.freeze({ ...Deno.build, standalone: true }) });`;

Deno.test("the first run needs no account: built-in problems, the demo model, a table", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const [out, report] = [`${dir}/results.jsonl`, `${dir}/report.html`];
    const args = ["--models", "demo,o1", "--limit", "3", "--out", out, "--report", report];
    const first = await runProgram({ command: command(dir), args });
    assertEquals(first.code, 0, first.stderr);
    const [head, , demo, o1] = first.stdout.split("\n");
    assertStringIncludes(head!, "first reasoning");
    assert(/^demo +\d\/3 /.test(demo!) && /^o1 +\d\/3 /.test(o1!), first.stdout);
    assertStringIncludes(first.stderr, "6 of 6: ");
    assertEquals((await Deno.readTextFile(out)).trimEnd().split("\n").length, 6);
    assertStringIncludes(await Deno.readTextFile(report), "</svg>");

    const again = await runProgram({ command: command(dir), args: [...args, "--json"] });
    const { summaries, results, finished, isComplete } = JSON.parse(again.stdout);
    assertEquals([finished, isComplete, summaries[1].calls], [6, true, 5]);
    assert(results.every(({ content }: { content: string }) => content !== ""));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("Ctrl-C aborts the upstream requests and prints the table so far", async () => {
  const left: Promise<void>[] = [];
  await using upstream = startUpstream((call) => {
    if (call.index < 3) return { content: "FINAL: 2" };
    left.push(call.left);
    return { content: "FINAL: 2", end: "stall" };
  });
  await using bench = await createBench(upstream.url);
  const { path, args } = command(bench.dir);
  const { config, dataset, out } = bench;
  const files = ["--config", config, "--dataset", dataset, "--out", out];
  const child = new Deno.Command(path, {
    args: [...args, "--models", "plain", "--concurrency", "2", ...files],
    env: cleanEnv(),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const ended = output.then(({ stderr }) => {
    throw new Error(new TextDecoder().decode(stderr));
  });
  await Promise.race([upstream.called(5), ended]);
  ended.catch(() => {});
  // `deno task` and npx forward the signal, so it arrives twice.
  child.kill("SIGINT");
  child.kill("SIGINT");
  const { code, stdout, stderr } = await waitFor("the program to exit", output);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(code, 130, text(stderr));
  assertStringIncludes(text(stdout), "1/3");
  assertStringIncludes(text(stderr), "Stopped after 3 of 6. The same command resumes here.");
  await Promise.all(left);
  assertEquals((await bench.results()).length, 3);
});

Deno.test("errors in flags and files are reported before any question is sent", async () => {
  const cases: [string[], number, string][] = [
    [["--help"], 0, ""],
    [["--models", "demo", "--out", "/nowhere/r.jsonl"], 1, "no permission to write there"],
    [["--models", "nope,o1,nix"], 2, "no model 'nope', 'nix'. Known models are: o1"],
    [["--models", "demo", "--dataset", "/no.jsonl"], 1, "--dataset /no.jsonl: no such file"],
    [["--models", "demo", "--dataset", `${ROOT}deno.json`], 1, "deno.json, line 1: invalid JSON"],
    [["--port", "1"], 2, "Unknown option --port"],
  ];
  await Promise.all(cases.map(async ([args, code, message]) => {
    const ended = await runProgram({ command: command(), args });
    assertEquals(ended.code, code, ended.stderr);
    assertStringIncludes(ended.stderr, message);
    if (code === 0) assertStringIncludes(ended.stdout, "share of all questions answered correctly");
  }));
});

Deno.test("unwritable files are reported before any question is sent", async () => {
  await using upstream = startUpstream([{ content: "FINAL: 2" }]);
  await using bench = await createBench(upstream.url);
  const { config, dataset, dir } = bench;
  const files = ["--config", config, "--dataset", dataset, "--models", "plain"];
  const cases = [
    ["--out", `${dir}/no/r.jsonl`, "no such file or folder"],
    ["--report", `${dir}/no/r.html`, "no such file or folder"],
    ["--out", dir, "this is a folder"],
  ] as const;
  for (const [flag, path, reason] of cases) {
    const ended = await runProgram({ command: command(dir), args: [...files, flag, path] });
    assertEquals([ended.code, ended.stdout], [1, ""]);
    assertEquals(ended.stderr, `${flag} ${path}: ${reason}\n`);
  }
  assertEquals(upstream.calls.length, 0);
});

Deno.test("unlisted models of a remote API and its errors are reported", async () => {
  await using upstream = startUpstream(
    ({ path }) =>
      path === "/v1/models"
        ? { body: '{"data": [{"id": "theirs"}]}' }
        : { status: 404, body: '{"error": {"code": "model_not_found", "message": "No nope."}}' },
    { listsModels: true },
  );
  await using bench = await createBench(upstream.url);
  const { dir, out, dataset } = bench;
  const args = ["--url", upstream.url, "--models", "nope", "--out", out, "--dataset", dataset];
  const ended = await runProgram({ command: command(dir), args });
  // Nothing was answered, which scripts must notice.
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, `${upstream.url} does not list 'nope'; it lists: theirs\n`);
  assertStringIncludes(ended.stderr, "Add --retry-errors to ask those questions again.");
  assertStringIncludes(ended.stdout, "errors of nope: model_not_found 6 (No nope.)");
});

Deno.test("the binary compares models too, and explains a missing write permission", async () => {
  await using upstream = startUpstream([{ content: "FINAL: 2" }]);
  await using bench = await createBench(upstream.url, 1);
  const { config, dataset, dir, out } = bench;
  const preload = `${dir}/preload.ts`;
  await Deno.writeTextFile(preload, STANDALONE);
  const files = ["--config", config, "--dataset", dataset, "--models", "plain", "--out", out];
  const run = async (permissions: string[]) => {
    const { path } = command();
    const args = ["run", ...permissions, "--preload", preload, `${ROOT}main.ts`, "eval"];
    return await runProgram({ command: { path, args }, args: files });
  };
  const refused = await run(PERMISSIONS);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "no permission to write there. Compile the program with");
  assert(compileArguments("dist/o1-api").includes("lib/eval/problems.jsonl"));
  const ended = await run(["--no-prompt", ...COMPILED_PERMISSIONS]);
  assertEquals(ended.code, 0, ended.stderr);
  assertStringIncludes(ended.stdout, "1/1");
});
