/**
 * Puts small mistakes into the named files, one at a time, runs the tests of the file each time, and
 * reports the mistakes that no test noticed. Works on copies of the tree.
 *
 * Usage: deno task mutate FILE… [--sample N] [--seed S] [--tests PATH]…
 *
 * @module
 */
import { cpSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../lib/eval/statistics.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";

export type Outcome = "killed" | "timed out" | "survived";

export interface MutationOptions {
  root: string;
  /** Relative to the root. */
  files: readonly string[];
  /** Files or folders of further tests, relative to the root. */
  tests?: readonly string[];
  /** Number of mutants to choose at random. Default: all. */
  sample?: number;
  seed?: number;
  /** Ends the runs early. */
  signal?: AbortSignal;
}

/** Runs at a time; each has its copy of the tree. */
const WORKERS = 2;

const TEST_COMMAND = "test -q --no-prompt --no-check --fail-fast --unstable-no-legacy-abort " +
  "--config=tests/deno.json --allow-all";

/** Test files at or below a path. */
function testsBelow(root: string, path: string): string[] {
  const info = statSync(join(root, path), { throwIfNoEntry: false });
  if (info === undefined || info.isFile()) return path.endsWith("_test.ts") && info ? [path] : [];
  return [...Deno.readDirSync(join(root, path))]
    .flatMap(({ name }) => testsBelow(root, `${path}/${name}`)).sort();
}

/** The tests that import the file; and those of the nearest folder that mirrors the file's own. */
function testsOf(root: string, file: string, further: readonly string[]): [string[], string[]] {
  const importing = testsBelow(root, "tests").filter((test) =>
    Array.from(Deno.readTextFileSync(join(root, test)).matchAll(/"(\.[^"]+)"/g))
      .some(([, target]) => normalize(join(dirname(test), target!)) === file)
  );
  let folder = dirname(file).replace(/^lib\b/, "tests");
  while (folder.includes("/") && testsBelow(root, folder).length === 0) folder = dirname(folder);
  const paths = folder.includes("/") ? [folder, ...further] : further;
  const others = new Set(paths.flatMap((path) => testsBelow(root, path)));
  return [importing, [...others].filter((test) => !importing.includes(test))];
}

function copyTree(root: string): string {
  const copy = Deno.makeTempDirSync({ prefix: "mutate-" });
  const filter = (path: string) => !/^(?:\.git|dist|node_modules)$/.test(relative(root, path));
  cpSync(root, copy, { recursive: true, filter });
  return copy;
}

async function runTests(root: string, tests: readonly string[], signal: AbortSignal) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...TEST_COMMAND.split(" "), ...tests],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // Makes the process lead a group, so that the programs that tests start end with it.
    detached: true,
  }).spawn();
  const killGroup = () => {
    try {
      Deno.kill(-child.pid, "SIGKILL");
    } catch {
      // The whole group has ended.
    }
  };
  signal.addEventListener("abort", killGroup);
  const { success, stdout, stderr } = await child.output();
  killGroup();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const outcome: Outcome = signal.aborted ? "timed out" : success ? "survived" : "killed";
  return { outcome, output };
}

/** @throws if a file has no tests, or if they fail without a mutant. */
export async function mutate(
  options: MutationOptions,
  onOutcome: (mutant: Mutant, outcome: Outcome) => void,
): Promise<void> {
  const { root, files, tests = [], sample = Infinity, seed = 1, signal } = options;
  const within = (ms: number) =>
    AbortSignal.any([AbortSignal.timeout(ms), ...signal === undefined ? [] : [signal]]);
  const mutants = files.flatMap((file) => mutantsOf(root, file));
  const random = createRandom(seed);
  while (mutants.length > sample) mutants.splice(Math.floor(random() * mutants.length), 1);
  const copies = Array.from({ length: WORKERS }, () => copyTree(root));
  try {
    const plans = new Map<string, { importing: string[]; others: string[]; limitMs: number }>();
    for (const { file } of mutants) {
      if (plans.has(file)) continue;
      const [importing, others] = testsOf(root, file, tests);
      if (importing.length + others.length === 0) throw new Error(`${file} has no tests`);
      const start = performance.now();
      const all = [...importing, ...others];
      const { outcome, output } = await runTests(copies[0]!, all, within(600_000));
      if (outcome !== "survived") throw new Error(`the tests of ${file} fail:\n${output}`);
      plans.set(file, { importing, others, limitMs: 10_000 + 4 * (performance.now() - start) });
    }
    const queue = mutants.values();
    await Promise.all(copies.map(async (copy) => {
      for (const mutant of queue) {
        const { importing, others, limitMs } = plans.get(mutant.file)!;
        const path = join(copy, mutant.file);
        const text = await Deno.readTextFile(path);
        const { start, original, replacement } = mutant;
        const rest = text.slice(start + original.length);
        await Deno.writeTextFile(path, text.slice(0, start) + replacement + rest);
        let outcome: Outcome = "survived";
        for (const stage of [importing, others.slice(0, 1), others.slice(1)]) {
          if (stage.length === 0) continue;
          const run = await runTests(copy, stage, within(limitMs));
          outcome = run.outcome;
          if (outcome === "survived") continue;
          // The test that notices this mistake is likely to notice the next.
          const index = others.indexOf(/=> \.\/(\S+_test\.ts):/.exec(run.output)?.[1] ?? "");
          if (index > 0) others.unshift(...others.splice(index, 1));
          break;
        }
        await Deno.writeTextFile(path, text);
        if (signal?.aborted) return;
        onOutcome(mutant, outcome);
      }
    }));
  } finally {
    for (const copy of copies) await Deno.remove(copy, { recursive: true });
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      sample: { type: "string", default: "Infinity" },
      seed: { type: "string", default: "1" },
      tests: { type: "string", multiple: true, default: [] },
    },
  });
  const interrupt = new AbortController();
  Deno.addSignalListener("SIGINT", () => interrupt.abort());
  const root = fileURLToPath(new URL("../", import.meta.url));
  const rooms = new Map<string, Outcome[]>();
  await mutate({
    root,
    files: positionals.map(normalize),
    tests: values.tests.map(normalize),
    sample: Number(values.sample),
    seed: Number(values.seed),
    signal: interrupt.signal,
  }, ({ file, line, source, original, replacement }, outcome) => {
    rooms.set(dirname(file), [...rooms.get(dirname(file)) ?? [], outcome]);
    if (outcome !== "survived") return;
    const change = `${original} → ${replacement}`.replace(/\s+/g, " ");
    console.log(`${file}:${line}: ${change}\n    ${source}`);
  });
  for (const [room, outcomes] of rooms) {
    const count = (wanted: Outcome) => outcomes.filter((outcome) => outcome === wanted).length;
    const killed = outcomes.length - count("survived");
    const share = (100 * killed / outcomes.length).toFixed(1);
    console.log(
      `${room}: ${killed} of ${outcomes.length} killed (${share} %), ` +
        `${count("timed out")} of them by the time limit`,
    );
  }
  Deno.exit(0);
}
