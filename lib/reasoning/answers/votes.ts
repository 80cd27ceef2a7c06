/**
 * Votes of samples for answers, and when they decide.
 *
 * @module
 */
import { sameAnswer } from "./extractor.ts";

/** The samples that agree on an answer. */
export interface Cluster<T> {
  /** The answer, as the first of them gave it. */
  answer: string;
  /** Those who gave it, in the order in which they landed. */
  voters: T[];
}

/** Counts votes. */
export interface Ballot<T> {
  /** Counts a vote; undefined is an answer that could not be read. */
  add(voter: T, answer: string | undefined): void;
  /** The clusters, most votes first; of equal ones the earlier first. */
  ranking(): Cluster<T>[];
  /** Votes that could be read. */
  valid(): number;
  /** All votes. */
  total(): number;
}

/** Creates an empty ballot; answers agree when they have the same value. */
export function createBallot<T>(): Ballot<T> {
  const clusters: Cluster<T>[] = [];
  let total = 0;
  return {
    add(voter, answer) {
      total++;
      if (answer === undefined) return;
      const cluster = clusters.find((each) => sameAnswer(each.answer, answer));
      if (cluster === undefined) clusters.push({ answer, voters: [voter] });
      else cluster.voters.push(voter);
    },
    ranking: () => [...clusters].sort((a, b) => b.voters.length - a.voters.length),
    valid() {
      return clusters.reduce((sum, { voters }) => sum + voters.length, 0);
    },
    total() {
      return total;
    },
  };
}

/** The confidence at which a lead decides. */
const CONFIDENCE = 0.95;

/**
 * The probability that the leading answer is really the more frequent one of the first two, under
 * a uniform prior: P(Binomial(v1 + v2 + 1, ½) ≤ v1).
 *
 * @see Aggarwal et al., Adaptive-Consistency, arXiv 2305.11860
 */
export function leadConfidence(first: number, second: number): number {
  const n = first + second + 1;
  let term = 0.5 ** n;
  let sum = 0;
  for (let k = 0; k <= first; k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return sum;
}

/** Whether the votes so far decide: no more samples are needed. */
export function isDecided(first: number, second: number): boolean {
  return leadConfidence(first, second) >= CONFIDENCE;
}
