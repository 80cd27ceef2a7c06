import type { ReasoningModel, ReasoningRequest } from "../../reasoning/request.ts";
import { estimatePrompt, type Usage } from "../../reasoning/usage.ts";
import type { UpstreamOptions } from "../../upstream/options.ts";
import { type Measure, NANO, type Rule } from "./rules.ts";

/** The expected use of a request. */
export interface Estimate {
  /** Prompt tokens of the first upstream call. */
  promptTokens: number;
  generatedTokens: number;
  price: UpstreamOptions["price"];
}

/** Generated tokens that are expected if the request names no maximum. */
const GENERATED_TOKENS = 4_096;

/** Maximum share of a limit that is reserved for the generated tokens of one request. */
const GENERATED_SHARE = 1 / 8;

/** Estimates the use of a request, up to its own maximum and the model's cap. */
export function estimateCost(
  { messages, maxTokens, final, json }: ReasoningRequest,
  model: ReasoningModel,
): Estimate {
  const definitions = [...final.tools ?? [], ...json?.schema ? [json.schema] : []];
  return {
    promptTokens: estimatePrompt(messages, definitions),
    generatedTokens: Math.min(maxTokens ?? GENERATED_TOKENS, model.caps.tokens),
    price: highestPrice(model),
  };
}

/** Any of the upstreams may answer, so that each price is the highest of all. */
function highestPrice({ targets, roles }: ReasoningModel): UpstreamOptions["price"] {
  const prices = [targets, ...Object.values(roles)].flat().flatMap(({ upstream }) =>
    upstream.price ?? []
  );
  return prices.length === 0 ? undefined : {
    input: Math.max(...prices.map(({ input }) => input)),
    output: Math.max(...prices.map(({ output }) => output)),
  };
}

/**
 * Units to reserve until the actual use is known. At most the whole limit, so that no request is
 * rejected forever; and at most an eighth of it for generated tokens, because most requests stay
 * far below their maximum.
 */
export function reservedUnits({ measure, amount }: Rule, estimate: Estimate): number {
  if (measure === "requests" || measure === "parallel") return 1;
  const { promptTokens, generatedTokens, price } = estimate;
  const { input, output } = measure === "tokens"
    ? { input: 1, output: 1 }
    : { input: (price?.input ?? 0) * NANO / 1e6, output: (price?.output ?? 0) * NANO / 1e6 };
  const generated = Math.min(generatedTokens * output, amount * GENERATED_SHARE);
  return Math.min(amount, Math.ceil(promptTokens * input + generated));
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
