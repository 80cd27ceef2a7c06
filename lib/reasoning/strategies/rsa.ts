/**
 * Recursive self-aggregation: a population of solutions improves itself.
 *
 * @see Venkatraman et al., arXiv 2509.26626
 * @module
 */
import { z } from "zod";
import { extractAnswer, questionOptions, withoutFinalLine } from "../answers/extractor.ts";
import { relayWithFallback } from "../answers/fallback.ts";
import { lettered, shuffled } from "../answers/candidates.ts";
import { conclude } from "../answers/conclude.ts";
import { reasonsNotAtAll } from "../effort.ts";
import type { ReasoningEvent } from "../events.ts";
import { byCentrality } from "../answers/judge.ts";
import { candidate, type Sample, sampleAll, type SampleSpec } from "../relay/parallel.ts";
import { rsaPrompts } from "../prompts.ts";
import { lastQuestion } from "../question.ts";
import type { Effort, Message, ReasoningRequest } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { type Ballot, createBallot } from "../answers/vote_decision.ts";
import { direct } from "./direct.ts";

const count = (most: number) => z.number().int().min(1).max(most).optional();

const options = z.strictObject({
  population: count(64).describe("Solutions in each round; default: by effort, 4 to 12."),
  rounds: count(16).describe("Rounds of aggregation; default: by effort, 1 to 3."),
  subset: z.number().int().min(1).max(16).default(3).describe(
    "Solutions that each aggregation is shown.",
  ),
  temperature: z.number().min(0).max(2).default(1).describe("Temperature of all samples."),
});

type Options = z.output<typeof options>;

const BY_EFFORT: Readonly<Record<Effort, { population: number; rounds: number }>> = {
  none: { population: 0, rounds: 0 },
  minimal: { population: 0, rounds: 0 },
  low: { population: 4, rounds: 1 },
  medium: { population: 8, rounds: 1 },
  high: { population: 8, rounds: 2 },
  xhigh: { population: 12, rounds: 3 },
  max: { population: 12, rounds: 3 },
};

/** The share of the population whose agreement in two rounds running ends it early. */
const AGREEMENT = 0.75;

/** How many of the most central solutions an open answer is made of. */
const CENTRAL = 3;

/** A population, rounds of aggregation over random subsets, and the answer of the last. */
export const rsa: RunnableStrategy = {
  summary: "A population of solutions improves itself in rounds, each from a few of the last.",
  options,
  prompts: rsaPrompts,
  roles: ["sample", "aggregator", "answer"],
  async *run(request, context: StrategyContext<Options>) {
    if (reasonsNotAtAll(context.effort)) return yield* direct.run(request, context);
    const size = context.options.population ?? BY_EFFORT[context.effort].population;
    const rounds = context.options.rounds ?? BY_EFFORT[context.effort].rounds;
    const letters = questionOptions(lastQuestion(request.messages));
    const json = request.json !== undefined;
    const answerOf = ({ text }: Sample) => extractAnswer(text, { options: letters, json });
    let population: Sample[] = [];
    let ballot = createBallot<Sample>();
    let agreed = 0;
    for (let round = 0; round <= rounds && context.canThink(size) && agreed < 2; round++) {
      const specs = roundSpecs(request, context, population, size);
      const { samples, error } = yield* sampleAll(context, specs, {
        liveStep: round === 0 ? 1 : undefined,
        onSample: (sample) => ({ lines: [candidate(sample, answerOf(sample))] }),
      });
      if (samples.length === 0 && population.length === 0 && error !== undefined) throw error;
      // A round that died leaves the population as it was.
      if (samples.length === 0) break;
      population = samples;
      ballot = createBallot();
      for (const each of samples) ballot.add(each, answerOf(each));
      const lead = ballot.ranking()[0]?.voters.length ?? 0;
      agreed = lead >= AGREEMENT * samples.length ? agreed + 1 : 0;
      yield roundStatus(round, ballot);
    }
    if (population.length === 0) return yield* direct.run(request, context);
    yield* finish(request, context, population, ballot);
  },
};

/** First the question alone, then each call with a random subset of the last population. */
function roundSpecs(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  population: readonly Sample[],
  size: number,
): SampleSpec[] {
  const { subset, temperature } = context.options;
  const note = context.toolsNote();
  return Array.from({ length: size }, (_, index) => {
    const chosen = shuffled(population.length, context.random).slice(0, subset);
    const texts = chosen.map((at) => textOf(population[at]!));
    const instructions = population.length === 0
      ? context.prompt("sample")
      : context.prompt("aggregate").replace("{candidates}", () => lettered(texts, context.random));
    const messages: Message[] = [
      { role: "system", content: instructions + note },
      ...request.messages,
    ];
    return {
      index,
      role: population.length === 0 ? "sample" : "aggregator",
      messages,
      temperature,
    };
  });
}

const textOf = ({ text, thinking }: Sample) => text || thinking;

function roundStatus(round: number, ballot: Ballot<Sample>): ReasoningEvent {
  const ranking = ballot.ranking();
  const [first] = ranking;
  const lead = first === undefined
    ? "no answer could be read"
    : `${first.voters.length} of ${ballot.total()} agree on ${first.answer.slice(0, 80)}`;
  const counts = ranking.map(({ answer, voters }) => ({ answer, votes: voters.length }));
  return {
    type: "status",
    text: `Round ${round}: ${lead}`,
    detail: { type: "tally", counts, total: ballot.total() },
  };
}

/** Closed answers by plurality, open ones by a streamed aggregator over the most central. */
async function* finish(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  population: readonly Sample[],
  ballot: Ballot<Sample>,
): AsyncGenerator<ReasoningEvent> {
  const [first] = ballot.ranking();
  const isClosed = first !== undefined && ballot.valid() * 2 >= ballot.total() &&
    (first.voters.length > 1 || population.length === 1);
  if (isClosed) {
    const shortest = first.voters.reduce((best, each) =>
      each.text.length < best.text.length ? each : best
    );
    return yield* conclude(context, shortest, 2);
  }
  const texts = population.map((each) => withoutFinalLine(textOf(each)));
  const chosen = byCentrality(texts).slice(0, CENTRAL).map((at) => texts[at]!);
  const shown = lettered(chosen, context.random);
  const messages: Message[] = [
    { role: "system", content: context.prompt("answer").replace("{candidates}", () => shown) },
    ...request.messages,
  ];
  yield* relayWithFallback(context, { role: "answer", messages }, 2, chosen[0] ?? "");
}
