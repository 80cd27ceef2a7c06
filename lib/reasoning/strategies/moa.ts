/**
 * Mixture of agents: several answers side by side, then one made of all.
 *
 * @see Wang et al., arXiv 2406.04692; Li et al., Self-MoA, arXiv 2502.00674
 * @module
 */
import { z } from "zod";
import { relayAnswer } from "../relay/answer.ts";
import { withoutFinalLine } from "../answers/extractor.ts";
import { relayWithFallback } from "../answers/fallback.ts";
import { lettered } from "../answers/candidates.ts";
import { reasonsNotAtAll } from "../effort.ts";
import { candidate, sampleAll } from "../relay/parallel.ts";
import { moaPrompts } from "../prompts.ts";
import type { Effort, Message } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";

const MOST_PROPOSERS = 16;

const options = z.strictObject({
  proposers: z.number().int().min(1).max(MOST_PROPOSERS).optional().describe(
    "Answers side by side; default: by effort, 2 to 6.",
  ),
  layers: z.number().int().min(1).max(4).optional().describe(
    "Rounds of proposers; from the second on they see the round before. Default: by effort, 1 or 2.",
  ),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the proposers."),
  straggler_ms: z.number().int().min(1).max(86_400_000).default(5_000).describe(
    "Time after which the last proposer is waited for no longer, in milliseconds.",
  ),
});

type Options = z.output<typeof options>;

const BY_EFFORT: Readonly<Record<Effort, { proposers: number; layers: number }>> = {
  none: { proposers: 0, layers: 0 },
  minimal: { proposers: 0, layers: 0 },
  low: { proposers: 2, layers: 1 },
  medium: { proposers: 4, layers: 1 },
  high: { proposers: 6, layers: 1 },
  xhigh: { proposers: 6, layers: 2 },
  max: { proposers: 6, layers: 2 },
};

/** Proposers in parallel, an aggregator that streams. */
export const moa: RunnableStrategy = {
  summary: "Several answers side by side, then one made of all.",
  options,
  prompts: moaPrompts,
  roles: [
    "proposer",
    ...Array.from({ length: MOST_PROPOSERS }, (_, i) => `proposer_${i + 1}`),
    "aggregator",
  ],
  async *run(request, context: StrategyContext<Options>) {
    if (reasonsNotAtAll(context.effort)) {
      const { messages } = request;
      return yield* relayAnswer(context, { role: "aggregator", messages }, 1);
    }
    const { temperature, straggler_ms: stragglerMs } = context.options;
    const wanted = BY_EFFORT[context.effort];
    const proposers = context.options.proposers ?? wanted.proposers;
    const layers = context.options.layers ?? wanted.layers;
    const note = context.toolsNote();
    let candidates: string[] = [];
    let step = 1;
    for (let layer = 0; layer < layers && context.canThink(proposers); layer++) {
      const shown = lettered(candidates, context.random);
      const instructions = layer === 0
        ? context.prompt("proposer")
        : context.prompt("refine").replace("{candidates}", () => shown);
      const messages: Message[] = [
        { role: "system", content: instructions + note },
        ...request.messages,
      ];
      const specs = Array.from({ length: proposers }, (_, index) => ({
        index,
        role: proposers === 1 ? "proposer" : `proposer_${index + 1}`,
        messages,
        temperature,
      }));
      const { samples, error } = yield* sampleAll(context, specs, {
        liveStep: step,
        stragglerMs,
        onSample: (sample) => ({ lines: [candidate(sample)] }),
      });
      const texts = samples.map((sample) => sample.text || sample.thinking).filter(Boolean);
      if (texts.length === 0 && candidates.length === 0 && error !== undefined) throw error;
      if (texts.length > 0) candidates = texts;
      step++;
      yield { type: "status", text: `${texts.length} of ${proposers} answers are in.` };
    }
    const shown = lettered(candidates, context.random);
    const messages: Message[] = candidates.length === 0 ? request.messages : [
      {
        role: "system",
        content: context.prompt("aggregator").replace("{candidates}", () => shown),
      },
      ...request.messages,
    ];
    const best = withoutFinalLine(candidates[0] ?? "");
    yield* relayWithFallback(context, { role: "aggregator", messages }, step, best);
  },
};
