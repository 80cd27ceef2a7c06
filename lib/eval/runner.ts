/**
 * Asks every model every problem, several at a time.
 *
 * @module
 */
import { AskError } from "./ask/answer.ts";
import type { Ask } from "./ask/ask.ts";
import type { Problem } from "./dataset.ts";
import { type Result, resultKey } from "./results.ts";
import type { Scorer } from "./score.ts";

/** What a run is made of. */
export interface RunnerOptions {
  /** The problems. */
  problems: readonly Problem[];
  /** The models' ids. */
  models: readonly string[];
  /** How often each model is asked each problem. */
  trials: number;
  /** How many questions are open at a time. */
  concurrency: number;
  /** Where models are asked, as results name it. */
  target: string;
  /** How answers are scored, as results name it. */
  scoring: string;
  /** Asks a model. */
  ask: Ask;
  /** Scores an answer. */
  score: Scorer;
  /** Keys of what is done already, by {@linkcode resultKey}. */
  done: ReadonlySet<string>;
  /** Stops the run. */
  signal: AbortSignal;
  /** Takes each result as it comes. */
  onResult(result: Result): void;
}

/**
 * Runs until all is done or the signal is aborted; what is open then is dropped, and asked again
 * by the next run. The order is by trial, problem and model, so that a run that was stopped has
 * asked all models nearly the same.
 *
 * @throws what scoring and `onResult` throw, other than {@linkcode AskError}.
 */
export async function runAll(options: RunnerOptions): Promise<void> {
  const { signal } = options;
  const items = itemsOf(options);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  async function work(): Promise<void> {
    for (const item of items) {
      if (either.aborted) return;
      try {
        const result = await resultOf(item, options, either);
        options.onResult(result);
      } catch (error) {
        if (either.aborted) return;
        // One fault of our own ends the whole run.
        failed.abort(error);
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, work));
}

interface Item {
  problem: Problem;
  model: string;
  trial: number;
}

function* itemsOf({ problems, models, trials, done }: RunnerOptions): Generator<Item> {
  for (let trial = 1; trial <= trials; trial++) {
    for (const problem of problems) {
      for (const model of models) {
        if (!done.has(resultKey({ id: problem.id, model, trial }))) {
          yield { problem, model, trial };
        }
      }
    }
  }
}

async function resultOf(
  { problem, model, trial }: Item,
  { ask, score, target, scoring }: RunnerOptions,
  signal: AbortSignal,
): Promise<Result> {
  const { id, digest, answers: [gold = ""] } = problem;
  const head = { id, digest, model, trial, target, scoring, gold };
  const errorOf = (error: unknown) => {
    if (signal.aborted || !(error instanceof AskError)) throw error;
    return { error: { code: error.code, message: error.message } };
  };
  const answered = await ask(model, problem.question, signal).catch(errorOf);
  if ("error" in answered) return { ...head, ...answered };
  const { content, finish, measured } = answered;
  // Where only the score failed, the answer is kept: it was paid for.
  const scored = await score(problem, content, signal).catch(errorOf);
  return { ...head, ...scored, content, finish, measured };
}
