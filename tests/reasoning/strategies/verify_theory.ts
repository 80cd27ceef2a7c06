/**
 * What `verify` must reach: every way that solvers, verifiers and a repair can go.
 *
 * @module
 */

/** How good the model is, and at what. */
export interface VerifySkill {
  /** The probability that a solver is right. */
  p: number;
  /** How many wrong answers there are, all as likely. */
  wrong: number;
  /** Solvers at most. */
  most: number;
  /** The probability that a verifier refutes a wrong answer. */
  sensitivity: number;
  /** The probability that it leaves a right one. */
  specificity: number;
}

/** What it comes to. */
export interface VerifyTheory {
  /** The probability that the answer is right. */
  accuracy: number;
  /** The same for a plurality of the same solvers, ties to the earlier. */
  voting: number;
  /** The chances of each number of calls. */
  calls: Map<number, number>;
}

/** An answer (0 is the right one) and who is for it. */
interface Party {
  answer: number;
  votes: number;
  /** Votes of solvers among them. */
  solvers: number;
  refuted: boolean;
}

/** The parties of the votes, the one with the earliest vote first. */
function partiesOf(votes: readonly number[]): Party[] {
  return [...new Set(votes)].map((answer) => {
    const count = votes.filter((each) => each === answer).length;
    return { answer, votes: count, solvers: count, refuted: false };
  });
}

/** The party with most votes, the earlier of equal ones. */
const strongest = (parties: readonly Party[]) =>
  parties.reduce((best, each) => each.votes > best.votes ? each : best);

/** Most votes; of equal ones an unrefuted, then that of more solvers, then the earlier. */
function winner(parties: readonly Party[]): Party {
  const weight = ({ votes, refuted, solvers }: Party) =>
    votes * 1_000 + (refuted ? 0 : 100) + solvers;
  return parties.reduce((best, each) => weight(each) > weight(best) ? each : best);
}

/** Computes it, literally by the specification. */
export function verifyTheory(skill: VerifySkill): VerifyTheory {
  const { p, wrong, most, sensitivity, specificity } = skill;
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
    if (!isMajority && solved.length < most) {
      for (const answer of answers) solve([...solved, answer], chance * chanceOf(answer));
      return;
    }
    if (best!.answer === 0) out.voting += chance;
    if (isMajority) return conclude(chance, best!.answer, solved.length);
    check(parties, [], 0, chance, solved.length + parties.length);
  }

  /** One verifier after another; what each of them answers itself is a vote. */
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
    const refuted = parties.map((each) => each === party ? { ...each, refuted: true } : each);
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
    if (parties.some((each) => !each.refuted)) {
      return conclude(chance, winner(counted).answer, calls);
    }
    for (const answer of answers) {
      const all = withVotes(counted, [answer]);
      conclude(chance * chanceOf(answer), winner(all).answer, calls + 1);
    }
  }

  solve([], 1);
  return out;
}

/** The parties with more votes; an answer that is new to them comes last. */
function withVotes(parties: readonly Party[], votes: readonly number[]): Party[] {
  const out = parties.map((each) => ({ ...each }));
  for (const answer of votes) {
    const party = out.find((each) => each.answer === answer);
    if (party === undefined) out.push({ answer, votes: 1, solvers: 0, refuted: true });
    else party.votes++;
  }
  return out;
}
