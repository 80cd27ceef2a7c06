import type { Measured } from "../ask/answer.ts";
import type { EvalFlags } from "../flags.ts";
import type { Result } from "../results.ts";
import {
  effectiveSize,
  type Group,
  mean,
  pairedBootstrap,
  quantile,
  sum,
  wilson,
} from "../statistics.ts";
import { createRandom } from "../../random.ts";

/** Values without any data are undefined. */
export type Summary =
  & { model: string; difference: ReturnType<typeof differenceOf> }
  & ReturnType<typeof scoresOf>
  & ReturnType<typeof measuresOf>;

export function summarize(
  results: readonly Result[],
  { models, baseline, seed }: Pick<EvalFlags, "models" | "baseline" | "seed">,
): Summary[] {
  const byModel = Map.groupBy(results, ({ model }) => model);
  return models.map((model) => {
    const own = byModel.get(model) ?? [];
    const difference = model === baseline
      ? undefined
      : differenceOf(own, byModel.get(baseline) ?? [], baseline, seed);
    return { model, ...scoresOf(own), difference, ...measuresOf(own) };
  });
}

function scoresOf(results: readonly Result[]) {
  const asked = results.length;
  const correct = results.filter((result) => result.correct).length;
  const failed = results.filter((result) => result.correct === undefined);
  const answered = asked - failed.length;
  const size = effectiveSize([...groupsOf(results).values()]);
  const codes: Record<string, number> = {};
  const messages: Record<string, string> = {};
  for (const { error } of failed) {
    const { code, message } = error ?? { code: "unknown", message: "" };
    codes[code] = (codes[code] ?? 0) + 1;
    messages[code] ??= message;
  }
  return {
    asked,
    correct,
    wrong: answered - correct,
    /** Answers that reached their token limit; right or wrong. */
    cut: results.filter(({ finish }) => finish === "length").length,
    /** Wrong answers in which no short answer was found. */
    unread:
      results.filter(({ scoring, correct, answer }) =>
        scoring === "extract" && correct === false && answer === undefined
      ).length,
    /** Questions without an answer or a score. */
    errors: failed.length,
    error_codes: codes,
    /** The first message of each code. */
    error_messages: messages,
    /** Correct answers of all questions asked, errors included. */
    accuracy: asked === 0 ? undefined : correct / asked,
    /** 95 % interval of the accuracy: Wilson's, with the effective number of tries. */
    interval: wilson(asked === 0 ? 0 : correct / asked * size, size),
    accuracy_of_answered: answered === 0 ? undefined : correct / answered,
  };
}

/** Means per question, if not said otherwise. */
function measuresOf(results: readonly Result[]) {
  const measured = results.flatMap((result) => result.measured ?? []);
  const values = (key: keyof Measured) => measured.flatMap((values) => values[key] ?? []);
  const costs = values("cost");
  return {
    calls: mean(values("calls")),
    prompt_tokens: mean(values("prompt_tokens")),
    completion_tokens: mean(values("completion_tokens")),
    reasoning_tokens: mean(values("reasoning_tokens")),
    /** Mean cost of one question in USD. */
    cost: mean(costs),
    /** Cost of all questions in USD. */
    total_cost: costs.length === 0 ? undefined : sum(costs),
    latency_p50_ms: quantile(values("latency_ms"), 0.5),
    latency_p95_ms: quantile(values("latency_ms"), 0.95),
    first_reasoning_p50_ms: quantile(values("first_reasoning_ms"), 0.5),
  };
}

function groupsOf(results: readonly Result[]): Map<string, Group> {
  const groups = Map.groupBy(results, ({ id }) => id).entries();
  return new Map(groups.map(([id, tries]) => {
    const correct = tries.filter((result) => result.correct).length;
    return [id, { correct, n: tries.length }];
  }));
}

/** How much better a model is than the baseline, over the problems that both were asked. */
function differenceOf(
  own: readonly Result[],
  other: readonly Result[],
  baseline: string,
  seed: number,
) {
  const others = groupsOf(other);
  // Sorted, so that the interval does not depend on the order of the results.
  const groups = [...groupsOf(own)].sort(([a], [b]) => a < b ? -1 : 1);
  const differences = groups.flatMap(([id, { correct, n }]) => {
    const pair = others.get(id);
    return pair === undefined ? [] : [correct / n - pair.correct / pair.n];
  });
  const value = mean(differences);
  if (value === undefined) return undefined;
  return {
    baseline,
    /** Mean difference of the shares of right answers, −1 to 1. */
    value,
    /** 95 % interval by the paired bootstrap over problems. */
    interval: pairedBootstrap(differences, createRandom(seed)),
    /** Number of problems that both were asked. */
    problems: differences.length,
    /** Number of problems with a larger share of right answers than the baseline. */
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
  };
}
