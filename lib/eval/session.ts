import { pooledMap } from "@std/async";
import type { Clock } from "../clock.ts";
import { AskError } from "./ask/answer.ts";
import { type Ask, createAsk } from "./ask/ask.ts";
import { describeCost } from "./cost.ts";
import { withFile } from "./input_error.ts";
import { choose, OWN_PROBLEMS, parseDataset, type Problem } from "./dataset.ts";
import type { EvalFlags } from "./flags.ts";
import { nextSteps } from "./report/next_steps.ts";
import { createProgress, type Terminal } from "./report/progress.ts";
import { renderReport } from "./report/report.ts";
import { openResults, type Result, resultKey, type RunIdentity } from "./results.ts";
import { createScorer, type Scorer } from "./score.ts";
import { createRandom } from "../random.ts";
import { summarize } from "./report/summary.ts";
import type { Target } from "./target.ts";

export interface SessionOptions {
  flags: EvalFlags;
  target: Target;
  clock: Clock;
  /** Returns a number in [0, 1); for the delays of retries. */
  random: () => number;
  /** Stops the run. Finished questions are summarized nevertheless. */
  signal: AbortSignal;
  terminal: Terminal;
  /** Called with an estimate of the cost, if prices are known. If it returns false, nothing is asked. */
  approve(estimate: string): boolean;
}

export type Outcome = Awaited<ReturnType<typeof runSession>>;

/**
 * Reads the problems, resumes an earlier run, asks the rest, and writes the report.
 *
 * @throws {InputError} before asking, except when the disk is full.
 */
export async function runSession(options: SessionOptions) {
  const { flags, target, clock, random, signal, terminal, approve } = options;
  const { baseline, report } = flags;
  const problems = await readProblems(flags);
  const run: RunIdentity = {
    problems,
    target: flags.baseUrl ?? "configured",
    scoring: flags.judgeModel === undefined ? flags.scoring : `judge:${flags.judgeModel}`,
  };
  const file = flags.out === undefined ? undefined : openResults(flags.out, run);
  // An unwritable report fails now, not after hours.
  if (report !== undefined) await writeReport(report, "", true);

  const all = [...questionsOf(run, flags)];
  const total = all.length;
  const keys = new Set(all.map(({ head }) => resultKey(head)));
  const results = new Map(
    [...file?.earlier ?? []].filter(([key, { error }]) =>
      keys.has(key) && !(flags.retryErrors && error)
    ),
  );
  const ask = createAsk({ ...target, timeoutMs: flags.timeoutMs, clock, random });
  const score = createScorer(flags.scoring, { ask, model: flags.judgeModel ?? "" });
  const failed = new AbortController();
  const stopSignal = AbortSignal.any([signal, failed.signal]);
  const questions = all.filter(({ head }) => !results.has(resultKey(head)));
  const estimate = describeCost(questions, [...results.values()], target.priced);
  if (estimate !== undefined && !approve(estimate)) questions.length = 0;
  const progress = createProgress(terminal, clock, total, [...results.values()]);
  const running = pooledMap(flags.concurrency, questions, async ({ head, problem }) => {
    if (stopSignal.aborted) return;
    try {
      const result = { ...head, ...await askAndScore(head.model, problem, ask, score, stopSignal) };
      // Written to the file first, so that no counted result is lost.
      file?.append(result);
      results.set(resultKey(result), result);
      progress.add(result);
    } catch (error) {
      if (!stopSignal.aborted) failed.abort(error);
    }
  });
  await Array.fromAsync(running);
  progress.end();
  failed.signal.throwIfAborted();

  const summaries = summarize([...results.values()], flags);
  const isComplete = results.size === total;
  const next = nextSteps(flags, target.isDemo);
  if (report !== undefined) {
    const page = renderReport({
      summaries,
      baseline,
      problems,
      results: [...results.values()],
      next,
      settings: settingsOf(flags, run),
      date: clock.date(),
      isComplete,
    });
    await writeReport(report, page);
  }
  return {
    summaries,
    /** With the raw answers. */
    results: [...results.values()],
    /** Number of finished questions. */
    finished: results.size,
    total,
    problems: problems.length,
    isComplete,
    next,
  };
}

const writeReport = (path: string, page: string, append = false) =>
  withFile("--report", path, () => Deno.writeTextFile(path, page, { append }));

async function readProblems(flags: EvalFlags): Promise<Problem[]> {
  const path = flags.dataset ?? OWN_PROBLEMS;
  const content = await withFile("--dataset", path, () => Deno.readTextFile(path));
  const problems = await parseDataset(content, path);
  return choose(problems, flags.limit, flags.isSampled ? createRandom(flags.seed) : undefined);
}

/** Ordered so that a run that is stopped has asked all models almost the same questions. */
function* questionsOf({ problems, target, scoring }: RunIdentity, { models, trials }: EvalFlags) {
  for (let trial = 1; trial <= trials; trial++) {
    for (const problem of problems) {
      const { id, digest, answers: [gold = ""] } = problem;
      for (const model of models) {
        yield { problem, head: { id, digest, model, trial, target, scoring, gold } };
      }
    }
  }
}

async function askAndScore(
  model: string,
  problem: Problem,
  ask: Ask,
  score: Scorer,
  signal: AbortSignal,
): Promise<Partial<Result>> {
  const toResult = (error: unknown) => {
    if (signal.aborted || !(error instanceof AskError)) throw error;
    return { error: { code: error.code, message: error.message } };
  };
  const answer = await ask(model, problem.question, signal).catch(toResult);
  if ("error" in answer) return answer;
  // The answer is kept even if its score fails.
  return { ...await score(problem, answer, signal).catch(toResult), ...answer };
}

/** Returns what is needed to repeat the run; never a key. */
function settingsOf(
  { models, baseline, dataset, trials, concurrency, seed }: EvalFlags,
  { problems, target, scoring }: RunIdentity,
): Record<string, string> {
  return {
    models: models.join(", "),
    baseline,
    dataset: dataset ?? "built-in",
    problems: String(problems.length),
    trials: String(trials),
    concurrency: String(concurrency),
    scoring,
    target: target === "configured" ? "the models in config.yaml, in process" : target,
    seed: String(seed),
  };
}
