/**
 * What the results of a run come to, for each model.
 *
 * @module
 */
import type { Measured } from "../ask/answer.ts";
import type { Result } from "../results.ts";
import {
  createRandom,
  effectiveSize,
  type Interval,
  mean,
  pairedBootstrap,
  quantile,
  wilson,
} from "../statistics.ts";

/** How much better a model is than the baseline, over the problems that both were asked. */
export interface Difference {
  /** The other model. */
  baseline: string;
  /** Mean difference of the shares of right answers, −1 to 1. */
  value: number;
  /** Its 95 % interval: paired bootstrap over problems. */
  interval: Interval;
  /** How many problems both were asked. */
  problems: number;
}

/** One model's results. Shares are 0 to 1; undefined where there is nothing to tell it from. */
export interface Summary {
  /** The model's id. */
  model: string;
  /** Questions asked. */
  asked: number;
  /** Right answers. */
  correct: number;
  /** Wrong answers. */
  wrong: number;
  /** Questions without an answer or a score. */
  errors: number;
  /** The errors by code. */
  error_codes: Record<string, number>;
  /** What the first error of each code says. */
  error_messages: Record<string, string>;
  /** The standard: right answers of all questions asked; an error is not right. */
  accuracy: number | undefined;
  /** Its 95 % interval: Wilson's, with the effective number of tries. */
  interval: Interval;
  /** Right answers of the questions answered. */
  accuracy_of_answered: number | undefined;
  /** Undefined for the baseline itself, and where no problem was asked of both. */
  difference: Difference | undefined;
  /** Upstream calls a question. */
  calls: number | undefined;
  /** Prompt tokens a question. */
  prompt_tokens: number | undefined;
  /** Generated tokens a question. */
  completion_tokens: number | undefined;
  /** Generated tokens a question that are no visible answer. */
  reasoning_tokens: number | undefined;
  /** USD a question, where the price is known. */
  cost: number | undefined;
  /** USD in all, where the price is known. */
  total_cost: number | undefined;
  /** Median of the time to the end of an answer, in milliseconds. */
  latency_p50_ms: number | undefined;
  /** 95th percentile of the same. */
  latency_p95_ms: number | undefined;
  /** Median of the time to the first text of reasoning, in milliseconds. */
  first_reasoning_p50_ms: number | undefined;
}

/** What is summed up. */
export interface SummaryOptions {
  /** The models, in the order of the table. */
  models: readonly string[];
  /** The model that the others are compared with. */
  baseline: string;
  /** Seeds the bootstrap. */
  seed: number;
}

/** Sums up results. */
export function summarize(results: readonly Result[], options: SummaryOptions): Summary[] {
  const byModel = new Map(options.models.map((model) => [model, [] as Result[]]));
  for (const result of results) byModel.get(result.model)?.push(result);
  const baseline = byModel.get(options.baseline) ?? [];
  return options.models.map((model) => {
    const own = byModel.get(model)!;
    const difference = model === options.baseline
      ? undefined
      : differenceOf(own, baseline, options.baseline, options.seed);
    return { model, ...scores(own), difference, ...means(own) };
  });
}

function scores(results: readonly Result[]) {
  const asked = results.length;
  const correct = results.filter((result) => result.correct).length;
  const failed = results.filter((result) => result.correct === undefined);
  const answered = asked - failed.length;
  const groups = [...groupsOf(results).values()];
  const size = effectiveSize(groups);
  const codes: Record<string, number> = {};
  const messages: Record<string, string> = {};
  for (const { error } of failed) {
    const code = error?.code ?? "unknown";
    codes[code] = (codes[code] ?? 0) + 1;
    messages[code] ??= error?.message ?? "";
  }
  return {
    asked,
    correct,
    wrong: answered - correct,
    errors: failed.length,
    error_codes: codes,
    error_messages: messages,
    accuracy: asked === 0 ? undefined : correct / asked,
    interval: wilson(asked === 0 ? 0 : correct / asked * size, size),
    accuracy_of_answered: answered === 0 ? undefined : correct / answered,
  };
}

function means(results: readonly Result[]) {
  const measured = results.flatMap((result) => result.measured ?? []);
  const values = (key: keyof Measured) => measured.flatMap((each) => each[key] ?? []);
  const costs = values("cost");
  return {
    calls: mean(values("calls")),
    prompt_tokens: mean(values("prompt_tokens")),
    completion_tokens: mean(values("completion_tokens")),
    reasoning_tokens: mean(values("reasoning_tokens")),
    cost: mean(costs),
    total_cost: costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0),
    latency_p50_ms: quantile(values("latency_ms"), 0.5),
    latency_p95_ms: quantile(values("latency_ms"), 0.95),
    first_reasoning_p50_ms: quantile(values("first_reasoning_ms"), 0.5),
  };
}

/** The tries at each problem. */
function groupsOf(results: readonly Result[]): Map<string, { correct: number; n: number }> {
  const groups = new Map<string, { correct: number; n: number }>();
  for (const { id, correct } of results) {
    const group = groups.get(id) ?? { correct: 0, n: 0 };
    groups.set(id, { correct: group.correct + (correct ? 1 : 0), n: group.n + 1 });
  }
  return groups;
}

function differenceOf(
  own: readonly Result[],
  other: readonly Result[],
  baseline: string,
  seed: number,
): Difference | undefined {
  const others = groupsOf(other);
  // Sorted, so that the same results give the same interval in whatever order they came.
  const groups = [...groupsOf(own)].sort(([a], [b]) => a < b ? -1 : 1);
  const differences = groups.flatMap(([id, { correct, n }]) => {
    const pair = others.get(id);
    return pair === undefined ? [] : [correct / n - pair.correct / pair.n];
  });
  const value = mean(differences);
  if (value === undefined) return undefined;
  const interval = pairedBootstrap(differences, { random: createRandom(seed) });
  return { baseline, value, interval, problems: differences.length };
}
