/**
 * Mixture of agents: several answers in parallel, then one made of all.
 *
 * @see Wang et al., arXiv 2406.04692; Li et al., Self-MoA, arXiv 2502.00674
 * @module
 */
import { z } from "zod";
import { relayWithFallback } from "../answers/fallback.ts";
import { lettered, showFitting } from "../answers/candidates.ts";
import { acceptedShares } from "../answers/contributions.ts";
import { groupEqual, judgeSamples } from "../answers/judge.ts";
import { isToolTurn, pickTurn } from "../answers/tool_turn.ts";
import { instruct } from "../conversation.ts";
import {
  candidate,
  preferComplete,
  type Sample,
  sampleAll,
  sampleText,
} from "../output/parallel.ts";
import { sharedPrompts } from "../prompts.ts";
import type { ThinkingEffort } from "../request.ts";
import { defineStrategy, type Strategy } from "../strategy.ts";

const MAX_PROPOSERS = 16;

const options = z.strictObject({
  proposers: z.number().int().min(1).max(MAX_PROPOSERS).optional().describe(
    "Number of parallel answers. Default: 2 to 6, by effort.",
  ),
  layers: z.number().int().min(1).max(4).optional().describe(
    "Number of rounds. From the second on, proposers see the answers of the round before. Default: 1 or 2, by effort.",
  ),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the proposers."),
  patience_ms: z.number().int().min(1).max(86_400_000).default(5_000).describe(
    "How long to wait for the others once more than half of the proposers (of two: one) have answered or failed, in milliseconds. They are then cancelled.",
  ),
});

const prompts = {
  /** Instructions of a proposer. */
  proposer:
    `Before you answer, think step by step inside <think> and </think>. After it write the complete answer to the last message, as all other instructions of this conversation ask for it.`,
  /** Instructions of a proposer after the first round; `{candidates}` is replaced. */
  refine: `Here are earlier answers to the last message; some may be wrong:

{candidates}

Use what is right in them and correct what is wrong. Think inside <think> and </think>, and after it write a better complete answer to the last message.`,
  /** Instructions of the aggregator; `{candidates}` is replaced. */
  aggregator: `Here are several candidate answers to the last message; some may be wrong:

{candidates}

Compare them, and answer the last message yourself, without mentioning them.`,
  judge: sharedPrompts.judge,
  turn: sharedPrompts.turn,
  pick: sharedPrompts.pick,
};

type Role = "proposer" | `proposer_${number}` | "judge" | "aggregator";

const BY_EFFORT: Readonly<Record<ThinkingEffort, { proposers: number; layers: number }>> = {
  low: { proposers: 2, layers: 1 },
  medium: { proposers: 4, layers: 1 },
  high: { proposers: 6, layers: 1 },
  xhigh: { proposers: 6, layers: 2 },
  max: { proposers: 6, layers: 2 },
};

export const moa: Strategy = defineStrategy({
  summary: "Several parallel answers, then one made from all of them.",
  label: { calls: "5, at most 19", latency: "2 to 4 calls" },
  typicalCalls: 5,
  publishedAs: "o1-moa",
  options,
  prompts,
  roles: [
    "proposer",
    ...Array.from({ length: MAX_PROPOSERS }, (_, i): Role => `proposer_${i + 1}`),
    "judge",
    "aggregator",
  ],
  plainRole: "aggregator",
  sampleOptions: ["proposers"],
  firstWave: ({ proposers }, effort) => proposers ?? BY_EFFORT[effort].proposers,
  async *run(context) {
    const { request, random } = context;
    const byEffort = BY_EFFORT[context.effort];
    const { proposers = byEffort.proposers, layers = byEffort.layers } = context.options;
    const count = context.samples(proposers);
    const roles = count === 1
      ? ["proposer" as const]
      : Array.from({ length: Math.max(0, count) }, (_, i) => `proposer_${i + 1}` as const);
    const { temperature } = context.options;
    if (isToolTurn(request)) {
      return yield* pickTurn<Role>(context, { roles, temperature, answer: "aggregator" });
    }
    let candidates: Sample[] = [];
    let step = 1;
    const isPaid = count >= Math.min(2, proposers);
    for (let layer = 0; isPaid && layer < layers && await context.canThink(count); layer++) {
      const messages = layer === 0
        ? instruct(context.prompt("proposer") + context.toolsNote, request)
        : showFitting<Role>(context, "proposer", candidates.map(sampleText), (texts) => {
          const instructions = context.prompt("refine", { candidates: lettered(texts, random) });
          return instruct(instructions + context.toolsNote, request);
        });
      if (layer > 0 && !context.hasRoom("proposer", messages)) break;
      const specs = roles.map((role, index) => ({ index, role, messages, temperature }));
      const { samples, error } = yield* sampleAll(context, specs, {
        liveStep: step,
        patienceMs: context.options.patience_ms,
        onSample: (sample) => ({ lines: [candidate(sample)] }),
      });
      // After a timeout of the aggregator, the first is shown.
      const complete = samples.filter((sample) => sampleText(sample) !== "")
        .sort((a, b) => Number(a.cut) - Number(b.cut));
      if (complete.length === 0 && candidates.length === 0 && error !== undefined) throw error;
      if (complete.length > 0) candidates = complete;
      step++;
      yield { type: "status", text: `${complete.length} of ${count} answers are in.` };
    }
    const messages = candidates.length === 0
      ? request.messages
      : showFitting<Role>(context, "aggregator", candidates.map(sampleText), (texts) => {
        const prompt = context.prompt("aggregator", { candidates: lettered(texts, random) });
        return instruct(prompt, request);
      });
    const answer: string[] = [];
    for await (
      const event of relayWithFallback(
        context,
        { role: "aggregator", messages },
        step,
        candidates,
        (usable) => judgeSamples(context, groupEqual(preferComplete(usable))),
      )
    ) {
      if (event.type === "answer") answer.push(event.text);
      else if (event.type === "finish" && step > 1) {
        const texts = roles.map(() => "");
        for (const sample of candidates) texts[sample.index] = sampleText(sample);
        const shares = acceptedShares(answer.join(""), texts);
        context.countContributions(roles.map((role, i) => ({ role, accepted: shares[i]! })));
      }
      yield event;
    }
  },
});
