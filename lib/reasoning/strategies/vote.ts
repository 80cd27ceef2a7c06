/**
 * Adaptive self-consistency: samples vote until the lead decides.
 *
 * @see Wang et al., arXiv 2203.11171; Chen et al., Universal Self-Consistency, arXiv 2311.17311
 */
import { z } from "zod";
import { conclude } from "../answers/conclude.ts";
import { answerReader } from "../answers/extractor.ts";
import { groupEqual, judgeSamples } from "../answers/judge.ts";
import { isToolTurn, pickTurn } from "../answers/tool_turn.ts";
import {
  type Ballot,
  createBallot,
  isDecided,
  tally,
  votesToDecide,
} from "../answers/vote_decision.ts";
import { instruct } from "../conversation.ts";
import type { ReasoningEvent } from "../events.ts";
import { sharedPrompts } from "../prompts.ts";
import { candidate, type Sample, sampleAll, type Samples, shortest } from "../output/parallel.ts";
import type { ThinkingEffort } from "../request.ts";
import { type ContextOf, defineStrategy, type Strategy } from "../strategy.ts";
import { answerDirectly } from "./direct.ts";

const count = z.number().int().min(1).max(128);

const options = z.strictObject({
  wave: count.default(4).describe("Number of samples that start together."),
  max_samples: count.optional().describe("Maximum number of samples. Default: 4 to 24, by effort."),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the samples."),
  finalize: z.enum(["winner", "synthesize"]).default("winner").describe(
    "`winner` shows the winning text, `synthesize` rewrites it in one streamed call.",
  ),
});

const prompts = {
  sample: sharedPrompts.sample,
  judge: sharedPrompts.judge,
  synthesize: sharedPrompts.synthesize,
  turn: sharedPrompts.turn,
  pick: sharedPrompts.pick,
};

const roles = ["sample", "judge", "answer"] as const;

type Context = ContextOf<typeof options, typeof prompts, typeof roles[number]>;

const MAX_SAMPLES: Readonly<Record<ThinkingEffort, number>> = {
  low: 4,
  medium: 8,
  high: 16,
  xhigh: 24,
  max: 24,
};

export const vote: Strategy = defineStrategy({
  summary: "Independent answers vote until the lead is certain.",
  label: { calls: "4 to 14, at most 30", latency: "1 to 7 calls" },
  typicalCalls: 6.7,
  publishedAs: "o1-vote",
  options,
  prompts,
  roles,
  sampleOptions: ["wave", "max_samples"],
  firstWave: ({ wave, max_samples }, effort) => Math.min(wave, max_samples ?? MAX_SAMPLES[effort]),
  async *run(context) {
    if (isToolTurn(context.request)) {
      const { wave, max_samples = MAX_SAMPLES[context.effort], temperature } = context.options;
      const roles = Array.from({ length: Math.min(wave, max_samples) }, () => "sample" as const);
      return yield* pickTurn(context, { roles, temperature, answer: "answer" });
    }
    const ballot = createBallot<Sample>();
    const { samples, next, error } = yield* poll(context, ballot);
    if (samples.length === 0) {
      if (error !== undefined) throw error;
      return yield* answerDirectly(context);
    }
    const winner = yield* choose(context, ballot, samples);
    yield* conclude(context, winner, next, context.options.finalize === "synthesize");
  },
});

/** Samples in waves until the votes decide. A later wave is as large as it needs to be to decide. */
async function* poll(
  context: Context,
  ballot: Ballot<Sample>,
): AsyncGenerator<ReasoningEvent, Samples & { next: number }> {
  const { request, options: { wave, temperature } } = context;
  const maxSamples = context.options.max_samples ?? MAX_SAMPLES[context.effort];
  const readAnswer = answerReader(request);
  const messages = instruct(context.prompt("sample") + context.toolsNote, request);
  const samples: Sample[] = [];
  let error: Samples["error"];
  // An answer of samples that were all cut off decides nothing.
  const votes = () =>
    ballot.ranking().map(({ voters }) => voters.every(({ cut }) => cut) ? 0 : voters.length);
  let step = 1;
  for (let asked = 0, done = false; asked < maxSamples && !done;) {
    const rest = maxSamples - asked;
    const wanted = Math.min(wave, asked === 0 ? rest : votesToDecide(votes(), rest));
    const size = context.samples(wanted);
    if (size < (asked === 0 ? Math.min(2, wanted) : 1) || !await context.canThink(size)) break;
    const specs = Array.from({ length: size }, (_, i) => ({
      index: asked + i,
      role: "sample" as const,
      messages,
      temperature,
    }));
    const result = yield* sampleAll(context, specs, {
      liveStep: asked === 0 ? step++ : undefined,
      onSample(sample) {
        const answer = readAnswer(sample.text, sample.cut);
        ballot.add(sample, answer);
        done = isDecided(votes(), maxSamples - ballot.total());
        return {
          lines: [candidate(sample, answer), tally(ballot.ranking(), ballot.total())],
          done,
        };
      },
    });
    samples.push(...result.samples);
    error ??= result.error;
    asked += size;
    // If a whole wave failed or could not be read, the next one would be like it.
    if (result.samples.length === 0 || ballot.valid() === 0) break;
  }
  return { samples, next: step, error };
}

/** Verdicts on two candidates can't reverse this lead in votes. */
const CLEAR_LEAD = 2;

/** Returns the shortest complete sample of the winning answer, or the one that a judge prefers. */
async function* choose(
  context: Context,
  ballot: Ballot<Sample>,
  samples: readonly Sample[],
): AsyncGenerator<ReasoningEvent, Sample> {
  const [first, second] = ballot.ranking();
  const lead = (first?.votes ?? 0) - (second?.votes ?? 0);
  const isReadable = first !== undefined && ballot.valid() * 2 >= ballot.total();
  const isClear = isReadable &&
    (lead >= CLEAR_LEAD || first.voters.length * 2 > ballot.total() || samples.length === 1);
  if (isClear) return shortest(first.voters);
  return yield* judgeSamples(context, contendersOf(ballot, samples, isReadable));
}

/**
 * One sample of each answer, and, if most answers could not be read, one of each text without a
 * readable answer.
 */
function contendersOf(ballot: Ballot<Sample>, samples: readonly Sample[], isReadable: boolean) {
  const clusters = ballot.ranking();
  const read = new Set(clusters.flatMap(({ voters }) => voters));
  const unread = isReadable ? [] : samples.filter((sample) => !read.has(sample));
  const all = [
    ...clusters.map(({ voters, votes }) => ({ sample: shortest(voters), votes })),
    ...groupEqual(unread),
  ];
  const complete = all.filter(({ sample }) => !sample.cut);
  return complete.length > 0 ? complete : all;
}
