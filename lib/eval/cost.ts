import { allTargetsOf } from "../reasoning/overrides.ts";
import type { ReasoningModel } from "../reasoning/request.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import { estimatePrompt } from "../reasoning/usage/estimate.ts";
import type { Problem } from "./dataset.ts";
import { dollars } from "./report/table.ts";
import type { Result } from "./results.ts";
import { mean, sum } from "./statistics.ts";

/** Assumed for each call: instructions that a strategy adds, and the generated text. */
const INSTRUCTION_TOKENS = 60;
const GENERATED_TOKENS = 500;

export interface PricedModel {
  calls: number;
  /** USD per million tokens, of the most expensive upstream model. */
  price: { input: number; output: number };
}

/** Returns undefined if no upstream model has a price. */
export function pricedModel(
  model: ReasoningModel,
  strategies: StrategyTable,
): PricedModel | undefined {
  const prices = allTargetsOf(model).flatMap(({ upstream }) => upstream.price ?? []);
  const [price] = prices.sort((a, b) => b.output - a.output);
  return price && { calls: strategies[model.strategy]?.typicalCalls ?? 1, price };
}

/**
 * Describes what questions will cost: by the mean cost of a model's earlier answers, else by an
 * assumption about its calls. Returns undefined if no price is known.
 */
export function describeCost(
  questions: readonly { head: { model: string }; problem: Problem }[],
  earlier: readonly Result[],
  priced: (model: string) => PricedModel | undefined,
): string | undefined {
  const costs: number[] = [];
  const details: string[] = [];
  let isAssumed = false;
  for (const [model, own] of Map.groupBy(questions, ({ head }) => head.model)) {
    const measured = earlier.filter((result) => result.model === model)
      .flatMap(({ measured }) => measured?.cost ?? []);
    const meanCost = mean(measured);
    const assumed = meanCost === undefined ? priced(model) : undefined;
    if (meanCost === undefined && assumed === undefined) {
      details.push(`${model} has no price`);
      continue;
    }
    const cost = assumed === undefined
      ? meanCost! * own.length
      : sum(own.map(({ problem }) => assumedCost(problem, assumed)));
    costs.push(cost);
    isAssumed ||= assumed !== undefined;
    const basis = assumed === undefined ? `from ${measured.length} earlier answers` : "assumed";
    details.push(`${model} ${dollars(cost)} (${basis})`);
  }
  if (costs.length === 0) return undefined;
  const count = `${questions.length} ${questions.length === 1 ? "question" : "questions"}`;
  const estimate = `Estimated cost of ${count}: ${dollars(sum(costs))} USD: ${details.join(", ")}.`;
  if (!isAssumed) return estimate;
  return `${estimate} Assumes ${GENERATED_TOKENS} generated tokens per call; a model that reasons ` +
    "by itself can generate ten times as many.";
}

function assumedCost({ question }: Problem, { calls, price }: PricedModel): number {
  const prompt = estimatePrompt([{ role: "user", content: question }]) + INSTRUCTION_TOKENS;
  return calls * (prompt * price.input + GENERATED_TOKENS * price.output) / 1e6;
}
