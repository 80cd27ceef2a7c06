/**
 * Counts the votes of samples for answers, and decides when no more samples are needed.
 *
 * @module
 */
import { splitPair } from "../../upstream/wire/tool_calls.ts";
import type { StatusEvent } from "../events.ts";
import { normaliseAnswer, sameForm } from "./value.ts";

export interface Voter {
  /** Whether its text was cut off by its length. */
  cut: boolean;
}

/** The voters who agree on an answer. */
export interface Cluster<T> {
  /** The answer as its first voter gave it. */
  answer: string;
  voters: T[];
}

export interface Ballot<T> {
  /** Counts a vote; `undefined` is an answer that could not be read. */
  add(voter: T, answer: string | undefined): void;
  /**
   * The clusters by votes, largest first; of equal ones the earlier first. Those whose voters were
   * all cut off come last: what looks like an answer in half a text is often not one.
   */
  ranking(): Cluster<T>[];
  /** Number of votes that could be read. */
  valid(): number;
  /** Number of all votes. */
  total(): number;
}

/** Creates an empty ballot. Answers agree if they have the same value. */
export function createBallot<T extends Voter>(): Ballot<T> {
  /** Each with the canonical form of its answer, which takes a millisecond to find. */
  const clusters: (Cluster<T> & { form: string })[] = [];
  let total = 0;
  const isCut = ({ voters }: Cluster<T>) => Number(voters.every(({ cut }) => cut));
  return {
    add(voter, answer) {
      total++;
      if (answer === undefined) return;
      const form = normaliseAnswer(answer);
      const cluster = clusters.find((other) => sameForm(other.form, form));
      if (cluster === undefined) clusters.push({ answer, form, voters: [voter] });
      else cluster.voters.push(voter);
    },
    ranking: () =>
      clusters.toSorted((a, b) => isCut(a) - isCut(b) || b.voters.length - a.voters.length),
    valid: () => clusters.reduce((sum, { voters }) => sum + voters.length, 0),
    total: () => total,
  };
}

/** Returns a status line with the votes of the leading answer. */
export function tally(ballot: Ballot<unknown>, prefix = ""): StatusEvent {
  return tallyOf(ballot.ranking(), ballot.total(), prefix);
}

/**
 * The same of clusters, the largest first.
 *
 * @param total number of all votes.
 */
export function tallyOf(
  ranking: readonly Cluster<unknown>[],
  total: number,
  prefix = "",
): StatusEvent {
  const [first] = ranking;
  const text = first === undefined
    ? `${prefix}No answer could be read in ${total} ${total === 1 ? "sample" : "samples"}.`
    : `${prefix}${first.voters.length} of ${total} agree on ${shownAnswer(first.answer)}`;
  const counts = ranking.map(({ answer, voters }) => ({ answer, votes: voters.length }));
  return { type: "status", text, detail: { type: "tally", counts, total } };
}

/** Returns an answer as a status line shows it: its first characters. */
export function shownAnswer(answer: string): string {
  return splitPair(answer.slice(0, 80))[0];
}

const CONFIDENCE = 0.95;

/**
 * Returns whether the votes so far decide: the lead is 95 % certain, or the whole first wave agrees.
 *
 * @param firstWave size of the first wave, if more than one sample and only it was asked for.
 */
export function isDecided(first: number, second: number, firstWave?: number): boolean {
  return leadConfidence(first, second) >= CONFIDENCE || first === firstWave;
}

/**
 * The probability that the leading answer is the more frequent one of the first two, under a
 * uniform prior: P(Binomial(v1 + v2 + 1, ½) ≤ v1).
 *
 * @see Aggarwal et al., Adaptive-Consistency, arXiv 2305.11860
 */
function leadConfidence(first: number, second: number): number {
  const n = first + second + 1;
  let term = 0.5 ** n;
  let sum = 0;
  for (let k = 0; k <= first; k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return sum;
}
