/**
 * One run of the comparison: reads the problems, goes on where an earlier run stopped, and sums
 * up.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { createAsk } from "./ask/ask.ts";
import { withFile } from "./file_error.ts";
import { choose, OWN_PROBLEMS, parseDataset, type Problem } from "./dataset.ts";
import type { EvalFlags } from "./flags.ts";
import { createProgress, type ProgressOptions } from "./report/progress.ts";
import { renderReport } from "./report/report.ts";
import { openResults, type Result, resultKey, type ResultSink, scoringName } from "./results.ts";
import { runAll } from "./runner.ts";
import { createScorer } from "./score.ts";
import { createRandom } from "./statistics.ts";
import { summarize, type Summary } from "./report/summary.ts";
import type { Target } from "./target.ts";

/** What a session needs from outside. */
export interface SessionOptions {
  /** What the flags say. */
  flags: EvalFlags;
  /** Where models are asked. */
  target: Target;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1, for waits. */
  random: () => number;
  /** Stops the run; what is finished is summed up all the same. */
  signal: AbortSignal;
  /** Where progress is shown. */
  terminal: Pick<ProgressOptions, "write" | "isTerminal" | "columns">;
}

/** What a session came to. */
export interface Outcome {
  /** The models' results. */
  summaries: Summary[];
  /** Finished questions. */
  finished: number;
  /** Questions in all. */
  total: number;
  /** Problems. */
  problems: number;
  /** Whether all are finished. */
  isComplete: boolean;
}

/**
 * Runs the comparison, and writes the report where one is asked for.
 *
 * @throws {DatasetError | ResultsError | FileError} for files that can't be used; for all but a
 * full disk before anything is asked.
 */
export async function runSession(options: SessionOptions): Promise<Outcome> {
  const { flags, clock } = options;
  const problems = await readProblems(flags);
  const scoring = scoringName(flags.scoring, flags.judgeModel);
  const target = flags.baseUrl ?? "configured";
  const { earlier, sink } = flags.out === undefined
    ? { earlier: new Map<string, Result>(), sink: undefined }
    : openResults(flags.out, { problems, target, scoring });
  using _file = sink;
  const { report } = flags;
  // A report that can't be written is found out now, not after hours.
  if (report !== undefined) await writeReport(report, "", true);
  const results = wanted(earlier, problems, flags);
  const total = problems.length * flags.models.length * flags.trials;
  await askAll(options, { problems, results, total, target, scoring, sink });
  const all = [...results.values()];
  const summaries = summarize(all, flags);
  const isComplete = all.length === total;
  if (report !== undefined) {
    const settings = settingsOf(flags, problems, target, scoring);
    const { baseline } = flags;
    const page = renderReport({ summaries, baseline, settings, date: clock.date(), isComplete });
    await writeReport(report, page);
  }
  return { summaries, finished: all.length, total, problems: problems.length, isComplete };
}

const writeReport = (path: string, page: string, append = false) =>
  withFile("--report", path, () => Deno.writeTextFile(path, page, { append }));

async function readProblems(flags: EvalFlags): Promise<Problem[]> {
  const file = flags.dataset ?? OWN_PROBLEMS;
  const content = await withFile("--dataset", file, () => Deno.readTextFile(file));
  const problems = await parseDataset(content, file);
  return choose(problems, flags.limit, flags.isDrawn ? createRandom(flags.seed) : undefined);
}

/** The earlier results that belong to this run. */
function wanted(
  earlier: ReadonlyMap<string, Result>,
  problems: readonly Problem[],
  { models, trials, retryErrors }: EvalFlags,
): Map<string, Result> {
  const ids = new Set(problems.map(({ id }) => id));
  return new Map(
    [...earlier].filter(([, { id, model, trial, error }]) =>
      ids.has(id) && models.includes(model) && trial <= trials && !(retryErrors && error)
    ),
  );
}

interface Work {
  problems: readonly Problem[];
  /** What is finished; new results are added. */
  results: Map<string, Result>;
  total: number;
  target: string;
  scoring: string;
  sink: ResultSink | undefined;
}

async function askAll(
  { flags, target: place, clock, random, signal, terminal }: SessionOptions,
  { problems, results, total, target, scoring, sink }: Work,
): Promise<void> {
  const ask = createAsk({ ...place, timeoutMs: flags.timeoutMs, clock, random });
  const progress = createProgress({ ...terminal, total, earlier: [...results.values()], clock });
  try {
    await runAll({
      ...flags,
      problems,
      target,
      scoring,
      ask,
      score: createScorer(flags.scoring, { ask, model: flags.judgeModel ?? "" }),
      done: new Set(results.keys()),
      signal,
      onResult(result) {
        // First to the file: what is counted must not be lost.
        sink?.append(result);
        results.set(resultKey(result), result);
        progress.add(result);
      },
    });
  } finally {
    progress.end();
  }
}

/** What a reader of the report has to know to run the same again; never a key. */
function settingsOf(
  flags: EvalFlags,
  problems: readonly Problem[],
  target: string,
  scoring: string,
): Record<string, string> {
  return {
    models: flags.models.join(", "),
    baseline: flags.baseline,
    dataset: flags.dataset ?? "the program's own",
    problems: String(problems.length),
    trials: String(flags.trials),
    concurrency: String(flags.concurrency),
    scoring,
    "asked at": target === "configured" ? "the models of config.yaml, in process" : target,
    seed: String(flags.seed),
  };
}
