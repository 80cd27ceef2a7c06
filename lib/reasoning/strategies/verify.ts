/**
 * Solve, check independently, repair only on proof.
 *
 * An answer is never replaced on bare self-doubt: blind self-correction lowers accuracy.
 *
 * @see Huang et al., arXiv 2310.01798
 * @module
 */
import { z } from "zod";
import { extractAnswer, questionOptions } from "../answers/extractor.ts";
import { sameAnswer } from "../answers/value.ts";
import { conclude } from "../answers/conclude.ts";
import { reasonsNotAtAll } from "../effort.ts";
import type { ReasoningEvent } from "../events.ts";
import { type Sample, sampleAll, type SampleSpec } from "../relay/parallel.ts";
import { verifyPrompts } from "../prompts.ts";
import { lastQuestion } from "../question.ts";
import type { Effort, Message, ReasoningRequest } from "../request.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { createBallot } from "../answers/vote_decision.ts";
import { direct } from "./direct.ts";

const options = z.strictObject({
  max_solvers: z.number().int().min(2).max(16).optional().describe(
    "Solvers at most; default: by effort, 2 to 7.",
  ),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the solvers."),
});

type Options = z.output<typeof options>;

const MAX_SOLVERS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 0,
  low: 2,
  medium: 3,
  high: 5,
  xhigh: 7,
  max: 7,
};

/** A solution, and whom its answer has convinced. */
interface Candidate {
  answer: string;
  solution: Sample;
  /** Votes of solvers, verifiers and the repair. */
  votes: number;
  /** Those of them that solvers gave. */
  solvers: number;
  /** The first wrong step, quoted by a verifier. */
  error?: string;
}

/** Solvers, verifiers in fresh contexts, at most one repair. */
export const verify: RunnableStrategy = {
  summary: "Solves twice, checks what differs, repairs only a proven error.",
  options,
  prompts: verifyPrompts,
  roles: ["solver", "verifier", "answer"],
  async *run(request, context: StrategyContext<Options>) {
    if (reasonsNotAtAll(context.effort)) return yield* direct.run(request, context);
    const read = reader(request);
    const solutions = yield* solve(request, context, read);
    if (solutions.length === 0) return yield* direct.run(request, context);
    const candidates = candidatesOf(solutions, read);
    const [first] = candidates;
    if (first === undefined) return yield* concludeWith(context, solutions[0]!);
    if (first.votes * 2 > solutions.length) return yield* concludeWith(context, first.solution);
    // Of equal votes the earlier solver's stand.
    candidates.sort((a, b) => a.solution.index - b.solution.index);
    const others = yield* check(request, context, candidates, read);
    const isRefuted = candidates.every((each) => each.error !== undefined);
    const all = isRefuted
      ? yield* repair(request, context, candidates, others, read)
      : [...candidates, ...others];
    yield* concludeWith(context, strongest(all).solution);
  },
};

type Read = (sample: Sample) => string | undefined;

function reader(request: ReasoningRequest): Read {
  const letters = questionOptions(lastQuestion(request.messages));
  return (sample) =>
    extractAnswer(sample.text, { options: letters, json: request.json !== undefined });
}

const concludeWith = (context: StrategyContext, sample: Sample) => conclude(context, sample, 2);

/**
 * The answer with most votes; of equal ones one that a verifier left standing, then that of more
 * solvers, then the earlier. So a verdict outweighs one vote, its verifier's own included, and no
 * more: one that is no better than chance can't take an answer below what a plain vote gives.
 */
function strongest(candidates: readonly Candidate[]): Candidate {
  const stands = ({ error, solvers }: Candidate) => Number(error === undefined && solvers > 0);
  return candidates.toSorted((a, b) =>
    b.votes - a.votes || stands(b) - stands(a) || b.solvers - a.solvers
  )[0]!;
}

/** Two solvers, one of which plans first; one more at a time while no majority agrees. */
async function* solve(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  read: Read,
): AsyncGenerator<ReasoningEvent, Sample[]> {
  const most = context.options.max_solvers ?? MAX_SOLVERS[context.effort];
  const spec = (index: number): SampleSpec => ({
    index,
    role: "solver",
    temperature: context.options.temperature,
    messages: [
      {
        role: "system",
        content: context.prompt(index === 1 ? "planner" : "solver") + context.toolsNote(),
      },
      ...request.messages,
    ],
  });
  if (!context.canThink()) return [];
  const first = context.canThink(2) ? [spec(0), spec(1)] : [spec(0)];
  const { samples, error } = yield* sampleAll(context, first, { liveStep: 1 });
  if (samples.length === 0 && error !== undefined) throw error;
  samples.sort((a, b) => a.index - b.index);
  for (let index = 2; index < most && context.canThink(); index++) {
    const [best] = candidatesOf(samples, read);
    if (best !== undefined && best.votes * 2 > samples.length && samples.length > 1) break;
    yield { type: "status", text: "The solvers differ; one more tries." };
    samples.push(...(yield* sampleAll(context, [spec(index)])).samples);
  }
  return samples;
}

function candidatesOf(samples: readonly Sample[], read: Read): Candidate[] {
  const ballot = createBallot<Sample>();
  for (const sample of samples) ballot.add(sample, read(sample));
  return ballot.ranking().map(({ answer, voters }) => ({
    answer,
    solution: voters[0]!,
    votes: voters.length,
    solvers: voters.length,
  }));
}

/**
 * A verifier for each distinct answer, in a fresh context; its own answer is a vote.
 *
 * @returns the answers that only verifiers gave.
 */
async function* check(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  candidates: Candidate[],
  read: Read,
): AsyncGenerator<ReasoningEvent, Candidate[]> {
  const others: Candidate[] = [];
  if (!context.canThink(candidates.length)) return others;
  const question = lastQuestion(request.messages);
  const specs = candidates.map(({ solution }, index): SampleSpec => {
    const prompt = context.prompt("verifier")
      .replace("{question}", () => question)
      .replace("{solution}", () => solution.text || solution.thinking);
    const messages: Message[] = [
      ...context.toolsMessage(),
      ...request.messages,
      { role: "user", content: prompt },
    ];
    return { index, role: "verifier", messages };
  });
  const { samples } = yield* sampleAll(context, specs);
  for (const sample of samples.sort((a, b) => a.index - b.index)) {
    const candidate = candidates[sample.index]!;
    const error = provenError(sample.text);
    if (error !== undefined) candidate.error = error;
    const own = read(sample);
    if (own !== undefined) {
      const solution = { ...sample, text: `FINAL: ${own}` };
      addVote(candidates, own) ?? addVote(others, own) ??
        others.push({ answer: own, solution, votes: 1, solvers: 0 });
    }
    const verdict = error === undefined ? "no error found" : "an error was quoted";
    yield { type: "status", text: `Answer ${candidate.answer.slice(0, 80)}: ${verdict}.` };
  }
  return others;
}

/** The candidate that the vote went to; undefined where none has this answer. */
function addVote(candidates: readonly Candidate[], answer: string): Candidate | undefined {
  const voted = candidates.find((each) => sameAnswer(each.answer, answer));
  if (voted !== undefined) voted.votes++;
  return voted;
}

/** Bounded as the extractor's patterns are, since a model writes the text. */
const ERROR = /^[^\w\n]{0,20}ERROR[^\w\n]{0,8}[:：]\s{0,8}(?!\W{0,20}VERDICT)(.*)/im;
const VERDICT = /^[^\w\n]{0,20}VERDICT[^\w\n]{0,8}[:：]\W{0,8}WRONG\b/im;

/** The quoted error of a verdict; a doubt without a quotation proves nothing. */
function provenError(text: string): string | undefined {
  const error = ERROR.exec(text)?.[1]?.trim() ?? "";
  const wrong = VERDICT.test(text);
  return wrong && error !== "" && !/^\W*none\W*$/i.test(error) ? error : undefined;
}

/**
 * One repair of the most-voted, with its quoted error; its answer is a vote.
 *
 * @returns all answers that have votes.
 */
async function* repair(
  request: ReasoningRequest,
  context: StrategyContext<Options>,
  candidates: readonly Candidate[],
  others: readonly Candidate[],
  read: Read,
): AsyncGenerator<ReasoningEvent, Candidate[]> {
  const all = [...candidates, ...others];
  const worst = strongest(candidates);
  if (!context.canThink()) return all;
  const { text, thinking } = worst.solution;
  const prompt = context.prompt("repair")
    .replace("{solution}", () => text || thinking)
    .replace("{error}", () => worst.error ?? "");
  yield { type: "status", text: "Every answer is refuted; one repair." };
  const messages: Message[] = [
    ...context.toolsMessage(),
    { role: "system", content: prompt },
    ...request.messages,
  ];
  const { samples: [repaired] } = yield* sampleAll(context, [
    { index: 0, role: "solver", messages },
  ]);
  const answer = repaired === undefined ? undefined : read(repaired);
  if (repaired === undefined || answer === undefined) return all;
  const voted = addVote(all, answer);
  if (voted === undefined) all.push({ answer, solution: repaired, votes: 1, solvers: 0 });
  // What a verifier gave has no text of its own to show.
  else if (!candidates.includes(voted)) voted.solution = repaired;
  return all;
}
