/**
 * Recursive self-aggregation: a population of solutions improves itself.
 *
 * @see Venkatraman et al., arXiv 2509.26626
 */
import { z } from "zod";
import { relayWithFallback } from "../answers/fallback.ts";
import { lettered, showFitting, shuffled } from "../answers/candidates.ts";
import { conclude } from "../answers/conclude.ts";
import { answerReader, withoutFinalLine } from "../answers/extractor.ts";
import { byCentrality, judgeSamples } from "../answers/judge.ts";
import { type Ballot, createBallot, tally } from "../answers/vote_decision.ts";
import { instruct } from "../conversation.ts";
import type { ReasoningEvent } from "../events.ts";
import { sharedPrompts } from "../prompts.ts";
import {
  candidate,
  preferComplete,
  type Sample,
  sampleAll,
  sampleText,
  shortest,
} from "../output/parallel.ts";
import type { ThinkingEffort } from "../request.ts";
import { type ContextOf, defineStrategy, type Strategy } from "../strategy.ts";
import { answerDirectly } from "./direct.ts";

const count = (maximum: number) => z.number().int().min(1).max(maximum);

const options = z.strictObject({
  population: count(64).optional().describe(
    "Number of solutions in each round. Default: 4 to 12, by effort.",
  ),
  rounds: count(16).optional().describe(
    "Number of rounds of aggregation. Default: 1 to 3, by effort.",
  ),
  subset: count(16).default(3).describe("Number of solutions that each aggregation sees."),
  temperature: z.number().min(0).max(2).default(1).describe("Temperature of all samples."),
});

const prompts = {
  sample: sharedPrompts.sample,
  /** Makes one better solution of several; `{candidates}` is replaced. */
  aggregate: `Here are candidate solutions to the last message; some may be wrong:

{candidates}

Reuse what is correct in them and fix their errors; if all of them fail, try another way. ${sharedPrompts.sample}`,
  /** Makes the answer of the most central solutions; `{candidates}` is replaced. */
  answer: `Here are candidate answers to the last message; some may be wrong:

{candidates}

Write one better answer to the last message. Do not mention the candidates. All other instructions of this conversation hold.`,
  judge: sharedPrompts.judge,
  synthesize: sharedPrompts.synthesize,
};

const roles = ["sample", "aggregator", "judge", "answer"] as const;

type Context = ContextOf<typeof options, typeof prompts, typeof roles[number]>;

const BY_EFFORT: Readonly<Record<ThinkingEffort, { population: number; rounds: number }>> = {
  low: { population: 4, rounds: 1 },
  medium: { population: 8, rounds: 1 },
  high: { population: 8, rounds: 2 },
  xhigh: { population: 12, rounds: 3 },
  max: { population: 12, rounds: 3 },
};

/** The share of the population that must agree in two consecutive rounds to end the run early. */
const AGREEMENT = 0.75;

/** Number of most central solutions from which an open answer is made. */
const CENTRAL = 3;

export const rsa: Strategy = defineStrategy({
  summary:
    "A population of solutions improves in rounds, each solution from a few of the last round.",
  label: { calls: "16 to 22, at most 54", latency: "2 to 6 calls" },
  typicalCalls: 16,
  publishedAs: "o1-deep",
  options,
  prompts,
  roles,
  sampleOptions: ["population"],
  firstWave: ({ population }, effort) => population ?? BY_EFFORT[effort].population,
  async *run(context) {
    const byEffort = BY_EFFORT[context.effort];
    const { population: wanted = byEffort.population, rounds = byEffort.rounds } = context.options;
    const readAnswer = answerReader(context.request);
    let population: Sample[] = [];
    let ballot = createBallot<Sample>();
    let agreed = 0;
    for (let round = 0; round <= rounds && agreed < 2; round++) {
      const size = context.samples(wanted);
      if (size < Math.min(2, wanted) || !await context.canThink(size)) break;
      const first = population.length === 0 ? firstCall(context) : undefined;
      const specs = Array.from({ length: size }, (_, index) => ({
        ...first ?? aggregation(context, population),
        index,
      }));
      const { role, messages } = specs[0]!;
      if (round > 0 && !context.hasRoom(role, messages)) break;
      const { samples, error } = yield* sampleAll(context, specs, {
        liveStep: round === 0 ? 1 : undefined,
        onSample: (sample) => ({ lines: [candidate(sample, readAnswer(sample.text, sample.cut))] }),
      });
      if (samples.length === 0 && population.length === 0 && error !== undefined) throw error;
      // A round in which every call failed leaves the population as it was.
      if (samples.length === 0) break;
      population = samples;
      ballot = createBallot();
      for (const sample of samples) ballot.add(sample, readAnswer(sample.text, sample.cut));
      const lead = ballot.ranking()[0]?.voters.length ?? 0;
      agreed = lead >= AGREEMENT * samples.length ? agreed + 1 : 0;
      yield tally(ballot.ranking(), ballot.total(), `Round ${round}: `);
    }
    if (population.length === 0) return yield* answerDirectly(context);
    yield* finish(context, population, ballot);
  },
});

function firstCall({ request, prompt, toolsNote, options: { temperature } }: Context) {
  const messages = instruct(prompt("sample") + toolsNote, request);
  return { role: "sample" as const, messages, temperature };
}

/** A call with a random subset of the population. */
function aggregation(context: Context, population: readonly Sample[]) {
  const { request, random, toolsNote, options: { subset, temperature } } = context;
  const chosen = shuffled(population.length, random).slice(0, subset);
  const texts = chosen.map((at) => sampleText(population[at]!));
  const messages = showFitting(context, "aggregator", texts, (texts) => {
    const instructions = context.prompt("aggregate", { candidates: lettered(texts, random) });
    return instruct(instructions + toolsNote, request);
  });
  return { role: "aggregator" as const, messages, temperature };
}

/**
 * Closed answers by plurality, where a judge breaks ties; open ones by a streamed aggregator over
 * the most central.
 */
async function* finish(
  context: Context,
  population: readonly Sample[],
  ballot: Ballot<Sample>,
): AsyncGenerator<ReasoningEvent> {
  const ranking = ballot.ranking();
  const [first] = ranking;
  const isClosed = first !== undefined && ballot.valid() * 2 >= ballot.total() &&
    (first.voters.length > 1 || population.length === 1);
  if (isClosed) {
    const { cut } = shortest(first.voters);
    const tied = ranking
      .map(({ voters, votes }) => ({ sample: shortest(voters), votes }))
      .filter(({ sample, votes }) => votes === first.votes && sample.cut === cut);
    return yield* conclude(context, yield* judgeSamples(context, tied), 2);
  }
  const samples = preferComplete(population);
  const texts = samples.map((sample) => withoutFinalLine(sampleText(sample)));
  const chosen = byCentrality(texts).slice(0, CENTRAL);
  const messages = showFitting(context, "answer", chosen.map((at) => texts[at]!), (texts) => {
    const candidates = lettered(texts, context.random);
    return instruct(context.prompt("answer", { candidates }), context.request);
  });
  const fallbacks = chosen.map((at) => samples[at]!);
  yield* relayWithFallback(context, { role: "answer", messages }, 2, fallbacks);
}
