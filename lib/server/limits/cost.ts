import { allTargetsOf } from "../../reasoning/overrides.ts";
import type { RunPlan } from "../../reasoning/plan.ts";
import { needsCompaction } from "../../reasoning/output/compact.ts";
import type { ReasoningModel } from "../../reasoning/request.ts";
import { estimatePrompt } from "../../reasoning/usage/estimate.ts";
import type { Usage } from "../../reasoning/usage/meter.ts";
import type { UpstreamOptions } from "../../upstream/options.ts";
import { type Measure, NANO, type Rule } from "./rules.ts";

type Price = NonNullable<UpstreamOptions["price"]>;

/** The expected use of a request. */
export interface Estimate {
  /** Number of upstream calls of the first wave, one that answers, and one for a summary. */
  calls: number;
  /** Prompt tokens of one of them. */
  promptTokens: number;
  /** Tokens that one of them generates. */
  generatedTokens: number;
  /** 0 without prices; limits in USD require them. */
  price: Price;
}

/** Generated tokens that are expected if the request names no maximum. */
const GENERATED_TOKENS = 4_096;

/** Maximum share of a limit that is reserved for what the first calls generate. */
const GENERATED_SHARE = 1 / 8;

/** Estimates the use of a request, up to its own maximum and the model's cap. */
export function estimateCost({ model, request, firstWave }: RunPlan): Estimate {
  const { messages, maxTokens, maxCallTokens, final, json } = request;
  const definitions = [...final.tools ?? [], json?.schema];
  return {
    calls: (firstWave + 1) * (request.choices ?? 1) + Number(needsCompaction(request)),
    promptTokens: estimatePrompt(messages, definitions),
    generatedTokens: Math.min(maxTokens ?? maxCallTokens ?? GENERATED_TOKENS, model.caps.tokens),
    price: highestPrice(model),
  };
}

/** Any of the upstreams may answer, so that each price is the highest of all. */
function highestPrice(model: ReasoningModel): Price {
  const highest = { input: 0, output: 0 };
  for (const { upstream: { price = highest } } of allTargetsOf(model)) {
    highest.input = Math.max(highest.input, price.input);
    highest.output = Math.max(highest.output, price.output);
  }
  return highest;
}

/**
 * Units to reserve until the actual use is known: those of the first calls, or of one call if these
 * are more than the limit, so that no request is rejected forever.
 */
export function reservedUnits(rule: Rule, estimate: Estimate): number {
  const units = firstUnits(rule, estimate, estimate.calls);
  return units <= rule.amount ? units : Math.min(rule.amount, firstUnits(rule, estimate, 1));
}

/**
 * Returns the units of a run after further calls. Each is expected to use the average of the calls
 * before it.
 */
export function expectedUnits(
  rule: Rule,
  estimate: Estimate,
  usage: Usage,
  calls: number,
): number {
  const made = usage.upstream.calls;
  if (made === 0) return firstUnits(rule, estimate, calls);
  const used = usedUnits(rule.measure, usage);
  return Math.ceil(used + calls * used / made);
}

/**
 * Expected units of calls before any call has ended. Generated tokens count for at most an eighth of
 * the limit, because most requests stay far below their maximum.
 */
function firstUnits({ measure, amount }: Rule, estimate: Estimate, calls: number): number {
  if (measure === "requests" || measure === "parallel") return 1;
  const { promptTokens, generatedTokens, price } = estimate;
  const { input, output } = measure === "tokens"
    ? { input: 1, output: 1 }
    : { input: price.input * NANO / 1e6, output: price.output * NANO / 1e6 };
  const generated = Math.min(calls * generatedTokens * output, amount * GENERATED_SHARE);
  return Math.ceil(calls * promptTokens * input + generated);
}

/** Units that all upstream calls of a run used. */
export function usedUnits(measure: Measure, { upstream }: Usage): number {
  switch (measure) {
    case "tokens":
      return upstream.prompt_tokens + upstream.completion_tokens;
    case "usd":
      return Math.round((upstream.cost ?? 0) * NANO);
    default:
      return 1;
  }
}
