import { startOf } from "../../text.ts";
import type { StatusEvent } from "../events.ts";
import { normaliseAnswer, sameForm } from "./value.ts";

export interface Voter {
  /** Whether its text was cut off by its length. */
  cut: boolean;
  /** Last lines of what tools have computed for it. */
  computed?: string[];
}

/** The voters who agree on an answer. */
export interface Cluster<T> {
  /** The answer as its first voter gave it. */
  answer: string;
  voters: T[];
}

export interface RankedCluster<T> extends Cluster<T> {
  /** A voter for whom a tool has computed the answer counts twice. */
  votes: number;
}

export type Ballot<T extends Voter> = ReturnType<typeof createBallot<T>>;

const COMPUTED_VOTES = 2;

/** Creates an empty ballot. Answers agree if they have the same value. */
export function createBallot<T extends Voter>() {
  /** Each with the canonical form of its answer, which takes a millisecond to find. */
  const clusters: (RankedCluster<T> & { form: string })[] = [];
  let total = 0;
  const isCut = ({ voters }: Cluster<T>) => Number(voters.every(({ cut }) => cut));
  return {
    /** Counts a vote; `undefined` is an answer that could not be read. */
    add(voter: T, answer: string | undefined): void {
      total++;
      if (answer === undefined) return;
      const form = normaliseAnswer(answer);
      const cluster = clusters.find((other) => sameForm(other.form, form));
      const isComputed = voter.computed?.some((line) => sameForm(normaliseAnswer(line), form));
      const votes = isComputed ? COMPUTED_VOTES : 1;
      if (cluster === undefined) clusters.push({ answer, form, voters: [voter], votes });
      else {
        cluster.voters.push(voter);
        cluster.votes += votes;
      }
    },
    /**
     * The clusters by votes, largest first; of equal ones the earlier first. Those whose voters were
     * all cut off come last: what looks like an answer in half a text is often not one.
     */
    ranking: (): RankedCluster<T>[] =>
      clusters.toSorted((a, b) => isCut(a) - isCut(b) || b.votes - a.votes),
    /** Number of votes that could be read. */
    valid: () => clusters.reduce((sum, { voters }) => sum + voters.length, 0),
    /** Number of all votes. */
    total: () => total,
  };
}

/**
 * Returns a status line with the votes of the leading answer.
 *
 * @param ranking clusters, the largest first.
 * @param total number of all votes.
 */
export function tally(
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
  return startOf(answer, 80);
}

/**
 * Probability with which more samples must leave the leading answer in the lead. At 0.98 a vote of
 * 8 to 24 samples loses at most 0.5 points of accuracy against all samples with three equally likely
 * wrong answers, and 1.4 with one; at 0.95 it loses up to 3.3 and 4.2.
 */
const CERTAINTY = 0.98;

/**
 * Returns whether more samples would hardly change which answer leads.
 *
 * @param votes of each answer, the leading one first.
 * @param rest number of samples that could still vote.
 */
export function isDecided(votes: readonly number[], rest: number): boolean {
  return votes.length > 0 && keepsLead(votes, rest) >= CERTAINTY;
}

/** Returns the smallest number of votes for the leading answer that would decide, at most `rest`. */
export function votesToDecide([first = 0, ...others]: readonly number[], rest: number): number {
  let votes = 1;
  while (votes < rest && !isDecided([first + votes, ...others], rest - votes)) votes++;
  return votes;
}

/**
 * The probability that the leading answer has as many votes as the second one after all samples,
 * if the shares of the first, the second and all other answers have a uniform prior. A tie counts as
 * a lead, since a judge decides it.
 *
 * Only the two most frequent answers are followed, which is asymptotically optimal.
 *
 * @see Huang et al., arXiv 2602.05395; with confidences, which are not used here: arXiv 2511.02603
 */
function keepsLead([first = 0, second = 0, ...others]: readonly number[], rest: number): number {
  const other = others.reduce((sum, votes) => sum + votes, 0);
  // The posterior of a uniform prior is a product of such numbers of ways.
  const [forFirst, forSecond, forOther] = [first, second, other].map((votes) => ways(votes, rest));
  let kept = 0;
  for (let a = 0; a <= rest; a++) {
    for (let b = 0; b <= Math.min(rest - a, first + a - second); b++) {
      kept += forFirst![a]! * forSecond![b]! * forOther![rest - a - b]!;
    }
  }
  return kept / ways(first + second + other + 2, rest)[rest]!;
}

/** Binomial coefficients: of `votes + k` over `k`, for each k up to `rest`. */
function ways(votes: number, rest: number): number[] {
  const out = [1];
  for (let k = 1; k <= rest; k++) out.push(out[k - 1]! * (votes + k) / k);
  return out;
}
