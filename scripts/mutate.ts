#!/usr/bin/env -S deno run --frozen --no-prompt --config tests/deno.json --allow-read --allow-write --allow-env --allow-run --allow-sys
/**
 * Puts small mistakes into the named files, one at a time, runs the tests that execute the line, the
 * nearest first, and reports the mistakes that no test noticed. Works on copies of the tree.
 *
 * Usage: scripts/mutate.ts PATH… [--sample N] [--seed S] [--tests PATH]…
 *
 * @module
 */
import { cpSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../lib/random.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";

/** A mutant timed out if a test hung, or waited in vain for an event. */
export type Outcome = "killed" | "timed out" | "survived";

export interface MutationOptions {
  root: string;
  /** Files and folders, relative to the root. */
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

/** How `tests/support/wait.ts` reports an event that did not happen. */
const LATE_REGEXP = /\bwaited [\d.]+ s for /;

const TEST_COMMAND =
  "test -q --no-prompt --no-check --fail-fast --unstable-no-legacy-abort --unstable-worker-options " +
  "--config=tests/deno.json --allow-all";

interface Test {
  path: string;
  /** Duration without a mutant. */
  ms: number;
  /** The lines of each file that run, at least in part. A missing file is not loaded. */
  lines: Map<string, Set<number>>;
}

/** Files at or below a path whose name ends with the suffix. */
function filesBelow(root: string, path: string, suffix: string): string[] {
  const info = statSync(join(root, path), { throwIfNoEntry: false });
  if (info === undefined || info.isFile()) return info && path.endsWith(suffix) ? [path] : [];
  return [...Deno.readDirSync(join(root, path))]
    .flatMap(({ name }) => filesBelow(root, `${path}/${name}`, suffix)).sort();
}

/**
 * The tests that import the file and those of its folder, `tests/upstream/wire` for
 * `lib/upstream/wire/sse.ts`; and those of its room, `tests/upstream`.
 */
function testsOf(root: string, file: string): { near: string[]; room: string[] } {
  const folder = dirname(file).replace(/^lib\b/, "tests");
  const imports = (test: string) =>
    Array.from(Deno.readTextFileSync(join(root, test)).matchAll(/"(\.[^"]+)"/g))
      .some(([, target]) => normalize(join(dirname(test), target!)) === file);
  const importing = filesBelow(root, "tests", "_test.ts").filter(imports);
  return {
    near: [...importing, ...filesBelow(root, folder, "_test.ts")],
    room: filesBelow(root, folder.split("/").slice(0, 2).join("/"), "_test.ts"),
  };
}

function copyTree(root: string): string {
  const copy = Deno.makeTempDirSync({ prefix: "mutate-" });
  const filter = (path: string) => !/^(?:\.git|dist|node_modules)$/.test(relative(root, path));
  cpSync(root, copy, { recursive: true, filter });
  return copy;
}

async function runTest(
  { root, path, signal, coverage }: {
    root: string;
    path: string;
    signal: AbortSignal;
    /** Folder for the coverage of the test and the programs that it starts. */
    coverage?: string;
  },
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...TEST_COMMAND.split(" "), path],
    cwd: root,
    env: { NO_COLOR: "1", ...coverage === undefined ? {} : { DENO_COVERAGE_DIR: coverage } },
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
  const isLate = signal.aborted || (!success && LATE_REGEXP.test(output));
  return isLate ? "timed out" : success ? "survived" : "killed";
}

/** Runs a test without a mutant. Undefined if it fails. */
async function measure(
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<Test | undefined> {
  const coverage = Deno.makeTempDirSync({ prefix: "mutate-coverage-" });
  try {
    const start = performance.now();
    const outcome = await runTest({ root, path, signal, coverage });
    const ms = performance.now() - start;
    if (outcome !== "survived") return undefined;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["coverage", "--lcov", `--include=^file://${root}/`, coverage],
      cwd: root,
      stderr: "null",
    }).output();
    const lines = new Map<string, Set<number>>();
    for (const record of new TextDecoder().decode(stdout).split("end_of_record")) {
      const file = /^SF:(.*)$/m.exec(record)?.[1];
      if (file === undefined) continue;
      // A line that runs in part, such as the condition of a branch not taken, counts as not run.
      const covered = Array.from(
        record.matchAll(/^(?:DA:(\d+),[1-9]|BRDA:(\d+),)/gm),
        ([, line, branch]) => Number(line ?? branch),
      );
      lines.set(relative(root, file), new Set(covered));
    }
    return { path, ms, lines };
  } finally {
    Deno.removeSync(coverage, { recursive: true });
  }
}

/** @throws if a file has no tests, or if all tests fail without a mutant. */
export async function mutate(
  options: MutationOptions,
  onOutcome: (mutant: Mutant, outcome: Outcome) => void,
): Promise<void> {
  const { root, files, tests: further = [], sample = Infinity, seed = 1, signal } = options;
  const within = (ms: number) =>
    AbortSignal.any([AbortSignal.timeout(ms), ...signal === undefined ? [] : [signal]]);
  const mutants = mutantsOf(root, files.flatMap((path) => filesBelow(root, path, ".ts")));
  const random = createRandom(seed);
  while (mutants.length > sample) mutants.splice(Math.floor(random() * mutants.length), 1);
  const near = new Set<string>();
  const others = new Set(further.flatMap((path) => filesBelow(root, path, "_test.ts")));
  for (const file of new Set(mutants.map(({ file }) => file))) {
    const own = testsOf(root, file);
    for (const path of own.near) near.add(path);
    for (const path of own.room) others.add(path);
    if (near.size + others.size === 0) throw new Error(`${file} has no tests`);
  }
  const copies = Array.from({ length: WORKERS }, () => copyTree(root));

  /** Shares the items among the copies. */
  async function forEach<T>(items: Iterable<T>, action: (copy: string, item: T) => Promise<void>) {
    const queue = Iterator.from(items);
    await Promise.all(copies.map(async (copy) => {
      for (const item of queue) {
        if (!signal?.aborted) await action(copy, item);
      }
    }));
  }

  /** The last test of each file that noticed a mistake, which is likely to notice the next. */
  const killers = new Map<string, Test>();
  async function outcomeOf(copy: string, mutant: Mutant, tests: readonly Test[]) {
    const { file, line, start, original, replacement } = mutant;
    const path = join(copy, file);
    const text = await Deno.readTextFile(path);
    const mutated = text.slice(0, start) + replacement + text.slice(start + original.length);
    const killer = killers.get(file);
    const loading = tests.filter(({ lines }) => lines.has(file));
    const exact = loading.filter(({ lines }) => lines.get(file)!.has(line));
    // Some lines after an `await` are reported as not run.
    const candidates = (exact.length > 0 ? exact : loading)
      .sort((a, b) => Number(b === killer) - Number(a === killer) || a.ms - b.ms);
    for (const test of candidates) {
      for (let limitMs = 10_000 + 4 * test.ms;; limitMs *= 2) {
        await Deno.writeTextFile(path, mutated);
        const outcome = await runTest({ root: copy, path: test.path, signal: within(limitMs) });
        await Deno.writeTextFile(path, text);
        if (outcome === "survived") break;
        if (outcome === "timed out") {
          // Does the mutant hang, or is the machine busy?
          const retry = { root: copy, path: test.path, signal: within(limitMs) };
          if (await runTest(retry) === "timed out" && !signal?.aborted) continue;
        }
        killers.set(file, test);
        return outcome;
      }
    }
    return "survived";
  }

  try {
    let left = mutants;
    let hasTests = false;
    for (const paths of [near, others.difference(near)]) {
      const tests: Test[] = [];
      const survivors: Mutant[] = [];
      await forEach(left.length === 0 ? [] : paths, async (copy, path) => {
        const test = await measure(copy, path, within(600_000));
        if (test !== undefined) tests.push(test);
        else if (!signal?.aborted) console.warn(`${path} fails without a mistake and is left out`);
      });
      hasTests ||= tests.length > 0;
      await forEach(left, async (copy, mutant) => {
        const outcome = await outcomeOf(copy, mutant, tests);
        if (outcome === "survived") survivors.push(mutant);
        else if (!signal?.aborted) onOutcome(mutant, outcome);
      });
      left = survivors;
    }
    if (!hasTests && !signal?.aborted) throw new Error("All tests fail without a mistake");
    for (const mutant of left) onOutcome(mutant, "survived");
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
