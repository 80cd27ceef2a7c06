/**
 * The accuracy of `verify`, computed over all outcomes of solvers, verifiers and the repair.
 *
 * @module
 */

export interface VerifySkill {
  /** The probability that a solver is right. */
  p: number;
  /** Number of wrong answers, which are equally likely. */
  wrong: number;
  /** Maximum number of solvers. */
  maxSolvers: number;
  /** The probability that a verifier refutes a wrong answer. */
  sensitivity: number;
  /** The probability that it accepts a right one. */
  specificity: number;
}

export interface VerifyTheory {
  /** The probability that the answer is right. */
  accuracy: number;
  /** The same for a plurality of the same solvers, ties to the earlier. */
  voting: number;
  /** The probability of each number of calls. */
  calls: Map<number, number>;
}

/** An answer (0 is right) and its votes. */
interface Party {
  answer: number;
  votes: number;
  /** Votes of solvers among them. */
  solvers: number;
  refuted: boolean;
}

/** The parties, in the order of their first votes. */
function partiesOf(votes: readonly number[]): Party[] {
  return [...new Set(votes)].map((answer) => {
    const count = votes.filter((vote) => vote === answer).length;
    return { answer, votes: count, solvers: count, refuted: false };
  });
}

/** The party with most votes; of equal ones the earlier. */
const strongest = (parties: readonly Party[]) =>
  parties.reduce((best, party) => party.votes > best.votes ? party : best);

/** Calls of a judge that always prefers the first place, by the number of parties that are tied. */
const JUDGE_CALLS = [0, 0, 2, 4, 4];

/**
 * The party with most votes; of equal ones an unrefuted one, then more solvers, then the earlier.
 * With the calls of a judge, which decides nothing.
 */
function winner(parties: readonly Party[]): { answer: number; judged: number } {
  const weight = ({ votes, refuted, solvers }: Party) =>
    votes * 1_000 + (refuted ? 0 : 100) + solvers;
  const greatest = Math.max(...parties.map(weight));
  const tied = parties.filter((party) => weight(party) === greatest);
  return { answer: tied[0]!.answer, judged: JUDGE_CALLS[tied.length]! };
}

export function verifyTheory(skill: VerifySkill): VerifyTheory {
  const { p, wrong, maxSolvers, sensitivity, specificity } = skill;
  const out: VerifyTheory = { accuracy: 0, voting: 0, calls: new Map() };
  const answers = Array.from({ length: wrong + 1 }, (_, answer) => answer);
  const chanceOf = (answer: number) => answer === 0 ? p : (1 - p) / wrong;

  function conclude(chance: number, answer: number, calls: number): void {
    if (answer === 0) out.accuracy += chance;
    out.calls.set(calls, (out.calls.get(calls) ?? 0) + chance);
  }

  function solve(solved: readonly number[], chance: number): void {
    const parties = partiesOf(solved);
    const best = solved.length < 2 ? undefined : strongest(parties);
    const isMajority = best !== undefined && best.votes * 2 > solved.length;
    if (!isMajority && solved.length < maxSolvers) {
      for (const answer of answers) solve([...solved, answer], chance * chanceOf(answer));
      return;
    }
    if (best!.answer === 0) out.voting += chance;
    if (isMajority) return conclude(chance, best!.answer, solved.length);
    check(parties, [], 0, chance, solved.length + parties.length);
  }

  /** Runs one verifier after another. The answer of each is a vote. */
  function check(
    parties: readonly Party[],
    own: readonly number[],
    at: number,
    chance: number,
    calls: number,
  ): void {
    const party = parties[at];
    if (party === undefined) return decide(parties, own, chance, calls);
    const refutes = party.answer === 0 ? 1 - specificity : sensitivity;
    if (refutes < 1) {
      check(parties, [...own, party.answer], at + 1, chance * (1 - refutes), calls);
    }
    if (refutes === 0) return;
    const refuted = parties.map((other) => other === party ? { ...party, refuted: true } : other);
    for (const answer of answers) {
      check(refuted, [...own, answer], at + 1, chance * refutes * chanceOf(answer), calls);
    }
  }

  function decide(
    parties: readonly Party[],
    own: readonly number[],
    chance: number,
    calls: number,
  ): void {
    const counted = withVotes(parties, own);
    if (parties.some(({ refuted }) => !refuted)) {
      const { answer, judged } = winner(counted);
      return conclude(chance, answer, calls + judged);
    }
    for (const answer of answers) {
      const all = withVotes(counted, [answer]);
      const best = winner(all);
      conclude(chance * chanceOf(answer), best.answer, calls + 1 + best.judged);
    }
  }

  solve([], 1);
  return out;
}

/** Adds votes to the parties. A new answer becomes the last party. */
function withVotes(parties: readonly Party[], votes: readonly number[]): Party[] {
  const out = parties.map((party) => ({ ...party }));
  for (const answer of votes) {
    const party = out.find((other) => other.answer === answer);
    if (party === undefined) out.push({ answer, votes: 1, solvers: 0, refuted: true });
    else party.votes++;
  }
  return out;
}
