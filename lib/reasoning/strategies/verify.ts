/**
 * Solve, check independently, repair only on proof.
 *
 * An answer is never replaced on bare self-doubt: blind self-correction lowers accuracy.
 *
 * @see Huang et al., arXiv 2310.01798
 * @module
 */
import { z } from "zod";
import { conclude } from "../answers/conclude.ts";
import { type AnswerReader, answerReader } from "../answers/extractor.ts";
import { groupEqual, judgeSamples } from "../answers/judge.ts";
import { isToolTurn, pickTurn } from "../answers/tool_turn.ts";
import { sameAnswer } from "../answers/value.ts";
import { createBallot, shownAnswer } from "../answers/vote_decision.ts";
import { instruct, lastQuestion } from "../conversation.ts";
import type { ReasoningEvent } from "../events.ts";
import { sharedPrompts } from "../prompts.ts";
import { preferComplete, type Sample, sampleAll, sampleText } from "../output/parallel.ts";
import type { Message, ThinkingEffort } from "../request.ts";
import { type ContextOf, defineStrategy, type Strategy } from "../strategy.ts";
import { answerDirectly } from "./direct.ts";

const options = z.strictObject({
  max_solvers: z.number().int().min(2).max(16).optional().describe(
    "Maximum number of solvers. Default: 2 to 7, by effort.",
  ),
  temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of the solvers."),
});

const prompts = {
  solver: sharedPrompts.sample,
  planner: `First write a plan of how to solve this, then carry it out. ${sharedPrompts.sample}`,
  /** Asks for a verdict; `{question}` and `{solution}` are replaced. */
  verifier:
    `Here are a question and a proposed solution. Check the solution independently, step by step.

<question>
{question}
</question>

<solution>
{solution}
</solution>

If a step is wrong, quote the first wrong step word for word. Do not doubt without an error that you can show. End with three lines:
the quoted step, or NONE, after ERROR:
CORRECT or WRONG after VERDICT:
your own short answer to the question after FINAL:`,
  /** Repairs a solution; `{solution}` and `{error}` are replaced. */
  repair: `A proposed solution to the last message has an error.

<solution>
{solution}
</solution>

The error:
{error}

Correct it. ${sharedPrompts.sample}`,
  judge: sharedPrompts.judge,
  synthesize: sharedPrompts.synthesize,
  turn: sharedPrompts.turn,
  pick: sharedPrompts.pick,
};

const roles = ["solver", "verifier", "judge", "answer"] as const;

type Context = ContextOf<typeof options, typeof prompts, typeof roles[number]>;

const MAX_SOLVERS: Readonly<Record<ThinkingEffort, number>> = {
  low: 2,
  medium: 3,
  high: 5,
  xhigh: 7,
  max: 7,
};

/** An answer, a solution that leads to it, and its support. */
interface Candidate {
  answer: string;
  solution: Sample;
  /** Votes of solvers, verifiers and the repair. */
  votes: number;
  /** The solvers' share of these votes. */
  solvers: number;
  /** The first wrong step, quoted by a verifier. */
  error?: string;
}

export const verify: Strategy = defineStrategy({
  summary: "Solves twice, checks answers that differ, repairs only a proven error.",
  label: { calls: "2 to 13, at most 21", latency: "1 to 6 calls" },
  typicalCalls: 3.5,
  publishedAs: "o1-verify",
  options,
  prompts,
  roles,
  sampleOptions: ["max_solvers"],
  firstWave: () => 2,
  async *run(context) {
    if (isToolTurn(context.request)) {
      const { temperature, max_solvers: length = MAX_SOLVERS[context.effort] } = context.options;
      const roles = Array.from({ length }, () => "solver" as const);
      return yield* pickTurn(context, { roles, temperature, answer: "answer" });
    }
    const read = answerReader(context.request);
    const solutions = yield* solve(context, read);
    if (solutions.length === 0) return yield* answerDirectly(context);
    const candidates = candidatesOf(solutions, read);
    const [first] = candidates;
    if (first === undefined) {
      const tied = groupEqual(preferComplete(solutions));
      return yield* conclude(context, yield* judgeSamples(context, tied), 2);
    }
    if (hasMajority(candidates, solutions)) return yield* conclude(context, first.solution, 2);
    // Without verdicts of a judge, the earlier solver wins a tie.
    candidates.sort((a, b) => a.solution.index - b.solution.index);
    const others = yield* check(context, candidates, read);
    const isRefuted = candidates.every(({ error }) => error !== undefined);
    const all = isRefuted
      ? yield* repair(context, candidates, others, read)
      : [...candidates, ...others];
    const tied = strongest(all).map(({ solution, votes }) => ({ sample: solution, votes }));
    yield* conclude(context, yield* judgeSamples(context, tied), 2);
  },
});

/**
 * Returns the answers with most votes among those with a complete solution, if there are any; of
 * equal ones a solver's that no verifier refuted, then those with more solvers. The earlier first.
 * A verdict therefore outweighs one vote and no more: verifiers that guess can't make the result
 * worse than a plain vote.
 */
function strongest(candidates: readonly Candidate[]): Candidate[] {
  const isUnrefuted = ({ error, solvers }: Candidate) => Number(error === undefined && solvers > 0);
  const compare = (a: Candidate, b: Candidate) =>
    Number(a.solution.cut) - Number(b.solution.cut) || b.votes - a.votes ||
    isUnrefuted(b) - isUnrefuted(a) || b.solvers - a.solvers;
  const ranked = candidates.toSorted(compare);
  return ranked.filter((candidate) => compare(ranked[0]!, candidate) === 0);
}

/** Two solvers, one of which plans first; one more at a time while no majority agrees. */
async function* solve(
  context: Context,
  read: AnswerReader,
): AsyncGenerator<ReasoningEvent, Sample[]> {
  const { temperature, max_solvers: maxSolvers = MAX_SOLVERS[context.effort] } = context.options;
  const spec = (index: number) => {
    const instructions = context.prompt(index === 1 ? "planner" : "solver") + context.toolsNote;
    const messages = instruct(instructions, context.request);
    return { index, role: "solver" as const, messages, temperature };
  };
  if (context.samples(2) < 2 || !await context.canThink()) return [];
  const first = await context.canThink(2) ? [spec(0), spec(1)] : [spec(0)];
  const { samples, error } = yield* sampleAll(context, first, { liveStep: 1 });
  if (samples.length === 0 && error !== undefined) throw error;
  samples.sort((a, b) => a.index - b.index);
  for (let index = 2; index < maxSolvers; index++) {
    if (samples.length > 1 && hasMajority(candidatesOf(samples, read), samples)) break;
    if (context.samples(1) < 1 || !await context.canThink()) break;
    yield { type: "status", text: "The solvers differ; one more tries." };
    samples.push(...(yield* sampleAll(context, [spec(index)])).samples);
  }
  return samples;
}

/** Whether the first candidate has more than half of all votes, unreadable ones included. */
function hasMajority(candidates: readonly Candidate[], samples: readonly Sample[]): boolean {
  const read = candidates.reduce((sum, { solvers }) => sum + solvers, 0);
  const votes = candidates.reduce((sum, candidate) => sum + candidate.votes, 0);
  const [first] = candidates;
  return first !== undefined && first.votes * 2 > votes + samples.length - read;
}

function candidatesOf(samples: readonly Sample[], read: AnswerReader): Candidate[] {
  const ballot = createBallot<Sample>();
  for (const sample of samples) ballot.add(sample, read(sample.text, sample.cut));
  return ballot.ranking().map(({ answer, voters, votes }) => ({
    answer,
    solution: preferComplete(voters)[0]!,
    votes,
    solvers: voters.length,
  }));
}

/**
 * Asks a verifier in a fresh context about each distinct answer for which the context has room, and
 * counts its own answer as a vote.
 *
 * @returns the answers that only verifiers gave.
 */
async function* check(
  context: Context,
  candidates: Candidate[],
  read: AnswerReader,
): AsyncGenerator<ReasoningEvent, Candidate[]> {
  const others: Candidate[] = [];
  const { request: { messages }, toolsMessage } = context;
  const question = lastQuestion(messages);
  const specs = candidates.map(({ solution }, index) => {
    const content = context.prompt("verifier", { question, solution: sampleText(solution) });
    const ask: Message = { role: "user", content };
    return { index, role: "verifier" as const, messages: [...toolsMessage, ...messages, ask] };
  }).filter(({ role, messages }) => context.hasRoom(role, messages));
  if (specs.length === 0 || !await context.canThink(specs.length)) return others;
  const { samples } = yield* sampleAll(context, specs);
  for (const sample of samples.sort((a, b) => a.index - b.index)) {
    const candidate = candidates[sample.index]!;
    const error = provenError(sample.text);
    if (error !== undefined) candidate.error = error;
    const answer = read(sample.text, sample.cut);
    if (answer !== undefined) {
      const solution = { ...sample, text: `FINAL: ${answer}` };
      addVote(candidates, answer) ?? addVote(others, answer) ??
        others.push({ answer, solution, votes: 1, solvers: 0 });
    }
    const verdict = error === undefined ? "no error found" : "an error was quoted";
    yield { type: "status", text: `Answer ${shownAnswer(candidate.answer)}: ${verdict}.` };
  }
  return others;
}

/** Returns the candidate with this answer, if there is one, after counting the vote. */
function addVote(candidates: readonly Candidate[], answer: string): Candidate | undefined {
  const voted = candidates.find((candidate) => sameAnswer(candidate.answer, answer));
  if (voted !== undefined) voted.votes++;
  return voted;
}

/** Quantifiers are bounded, as in the extractor's patterns, because a model writes the text. */
const ERROR = /^[^\w\n]{0,20}ERROR[^\w\n]{0,8}[:：]\s{0,8}(?!\W{0,20}VERDICT)(.*)/im;
const VERDICT = /^[^\w\n]{0,20}VERDICT[^\w\n]{0,8}[:：]\W{0,8}WRONG\b/im;

/** Returns a verdict's quoted error; doubt without a quotation proves nothing. */
function provenError(text: string): string | undefined {
  const error = ERROR.exec(text)?.[1]?.trim() ?? "";
  const wrong = VERDICT.test(text);
  return wrong && error !== "" && !/^\W*none\W*$/i.test(error) ? error : undefined;
}

/**
 * Repairs the candidate with most votes once, with its quoted error, and counts the repaired answer
 * as a vote.
 *
 * @returns all candidates.
 */
async function* repair(
  context: Context,
  candidates: readonly Candidate[],
  others: readonly Candidate[],
  read: AnswerReader,
): AsyncGenerator<ReasoningEvent, Candidate[]> {
  const all = [...candidates, ...others];
  const { solution, error = "" } = strongest(candidates)[0]!;
  const instructions = context.prompt("repair", { solution: sampleText(solution), error });
  const messages = [...context.toolsMessage, ...instruct(instructions, context.request)];
  if (!context.hasRoom("solver", messages) || !await context.canThink()) return all;
  yield { type: "status", text: "Every answer is refuted; one repair." };
  const { samples: [repaired] } = yield* sampleAll(context, [
    { index: 0, role: "solver", messages },
  ]);
  const answer = repaired && read(repaired.text, repaired.cut);
  if (repaired === undefined || answer === undefined) return all;
  const voted = addVote(all, answer);
  if (voted === undefined) all.push({ answer, solution: repaired, votes: 1, solvers: 0 });
  // A verifier gives an answer without a solution to show.
  else if (!candidates.includes(voted)) voted.solution = repaired;
  return all;
}
