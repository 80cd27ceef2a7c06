/**
 * Adaptive self-consistency: samples vote until the lead decides.
 *
 * @see Wang et al., arXiv 2203.11171; Aggarwal et al., arXiv 2305.11860; Chen et al., Universal
 *   Self-Consistency, arXiv 2311.17311
 * @module
 */
import { z } from "zod";
import { extractAnswer, questionOptions, withoutFinalLine } from "../answers/extractor.ts";
import { conclude } from "../answers/conclude.ts";
import { reasonsNotAtAll } from "../effort.ts";
import type { ReasoningEvent, UpstreamError } from "../events.ts";
import { judge } from "../answers/judge.ts";
import { candidate, type Sample, sampleAll } from "../relay/parallel.ts";
import { votePrompts } from "../prompts.ts";
import { lastQuestion } from "../question.ts";
import type { Effort, Message, ReasoningRequest } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { type Ballot, createBallot, isDecided } from "../answers/vote_decision.ts";
import { direct } from "./direct.ts";

const count = z.number().int().min(1).max(128);

const options = z.strictObject({
  wave: count.default(4).describe("Samples that start together."),
  max_samples: count.optional().describe("Samples at most; default: by effort, 4 to 24."),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the samples."),
  finalize: z.enum(["winner", "synthesize"]).default("winner").describe(
    "`winner` shows the winning text; `synthesize` rewrites it in one streamed call.",
  ),
});

type Options = z.output<typeof options>;

const MAX_SAMPLES: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 0,
  low: 4,
  medium: 8,
  high: 16,
  xhigh: 24,
  max: 24,
};

/** Samples in waves; the answer that leads for certain wins. */
export const vote: RunnableStrategy = {
  summary: "Several independent answers vote; stops as soon as the lead is certain.",
  options,
  prompts: votePrompts,
  roles: ["sample", "judge", "answer"],
  async *run(request, context: StrategyContext<Options>) {
    if (reasonsNotAtAll(context.effort)) return yield* direct.run(request, context);
    const ballot = createBallot<Sample>();
    const { samples, next, error } = yield* poll(request, context, ballot);
    if (samples.length === 0) {
      if (error !== undefined) throw error;
      return yield* direct.run(request, context);
    }
    const winner = yield* choose(request, context, ballot, samples);
    yield* conclude(context, winner, next, context.options.finalize === "synthesize");
  },
};

/** Samples in waves until the votes decide. */
async function* poll(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  ballot: Ballot<Sample>,
): AsyncGenerator<ReasoningEvent, { samples: Sample[]; next: number; error?: UpstreamError }> {
  const { wave, temperature } = context.options;
  const most = context.options.max_samples ?? MAX_SAMPLES[context.effort];
  const letters = questionOptions(lastQuestion(request.messages));
  const messages: Message[] = [
    { role: "system", content: context.prompt("sample") + context.toolsNote() },
    ...request.messages,
  ];
  const all: Sample[] = [];
  let error: UpstreamError | undefined;
  let step = 1;
  for (let asked = 0, done = false; asked < most && !done;) {
    const size = Math.min(wave, most - asked);
    if (!context.canThink(size)) break;
    const specs = Array.from({ length: size }, (_, i) => ({
      index: asked + i,
      role: "sample",
      messages,
      temperature,
    }));
    const result = yield* sampleAll(context, specs, {
      liveStep: asked === 0 ? step++ : undefined,
      onSample(sample) {
        const answer = sample.cut && sample.text === ""
          ? undefined
          : extractAnswer(sample.text, { options: letters, json: request.json !== undefined });
        ballot.add(sample, answer);
        const [first, second] = ballot.ranking();
        const firstWave = asked === 0 && size > 1 ? size : undefined;
        done = isDecided(first?.voters.length ?? 0, second?.voters.length ?? 0, firstWave);
        return { lines: [candidate(sample, answer), tally(ballot)], done };
      },
    });
    all.push(...result.samples);
    error ??= result.error;
    asked += size;
    // An upstream that answers nobody is not asked again and again.
    if (all.length === 0) break;
  }
  return { samples: all, next: step, ...(error === undefined ? {} : { error }) };
}

function tally(ballot: Ballot<Sample>): ReasoningEvent {
  const ranking = ballot.ranking();
  const [first] = ranking;
  const text = first === undefined
    ? `No answer could be read in ${ballot.total()} samples.`
    : `${first.voters.length} of ${ballot.total()} agree on ${first.answer.slice(0, 80)}`;
  const counts = ranking.map(({ answer, voters }) => ({ answer, votes: voters.length }));
  return { type: "status", text, detail: { type: "tally", counts, total: ballot.total() } };
}

/** The winning cluster's shortest complete sample, or the one that a judge prefers. */
async function* choose(
  request: ReasoningRequest,
  context: StrategyContext,
  ballot: Ballot<Sample>,
  samples: readonly Sample[],
): AsyncGenerator<ReasoningEvent, Sample> {
  const [first] = ballot.ranking();
  const isOpen = ballot.valid() * 2 < ballot.total() ||
    (samples.length > 1 && first?.voters.length === 1);
  if (first === undefined || (isOpen && samples.length > 1)) {
    const texts = samples.map((sample) => withoutFinalLine(sample.text || sample.thinking));
    yield { type: "status", text: "The answers do not agree; a judge compares them." };
    return samples[await judge(context, request, texts)]!;
  }
  const complete = first.voters.filter((sample) => !sample.cut);
  return (complete.length > 0 ? complete : first.voters)
    .reduce((best, sample) => sample.text.length < best.text.length ? sample : best);
}
