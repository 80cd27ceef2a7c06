/**
 * What the best possible rule saves: it knows how often samples are right and how many wrong answers
 * there are, and asks for one sample after another. The figures are in docs/strategies.md.
 */
import { assertAlmostEquals } from "@std/assert";

interface Outcome {
  accuracy: number;
  /** Expected number of samples. */
  asked: number;
}

interface Problem {
  /** The probability that a sample is right. */
  p: number;
  /** Number of wrong answers, which are equally likely. */
  wrong: number;
  maxSamples: number;
}

/**
 * @param price of a sample, as a probability of being right: the rule asks for one more only if it
 * gains more than that.
 */
function bestRule({ p, wrong, maxSamples }: Problem, price: number): Outcome {
  const q = (1 - p) / wrong;
  const known = new Map<string, Outcome>();

  /** The probability that each answer is the right one. */
  function beliefs(votes: readonly number[]): number[] {
    const odds = votes.map((count) => (p / q) ** count);
    const sum = odds.reduce((a, b) => a + b);
    return odds.map((own) => own / sum);
  }

  /** @param votes of each answer, the largest first. */
  function best(votes: readonly number[]): Outcome {
    const key = votes.join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const chances = beliefs(votes);
    let outcome: Outcome = { accuracy: chances[0]!, asked: 0 };
    if (votes.reduce((a, b) => a + b) < maxSamples) {
      const more: Outcome = { accuracy: 0, asked: 1 };
      chances.forEach((isRight, answer) => {
        const chance = isRight * p + (1 - isRight) * q;
        const next = best(votes.with(answer, votes[answer]! + 1).sort((a, b) => b - a));
        more.accuracy += chance * next.accuracy;
        more.asked += chance * next.asked;
      });
      if (more.accuracy - price * more.asked > outcome.accuracy + 1e-12) outcome = more;
    }
    known.set(key, outcome);
    return outcome;
  }
  return best(Array(wrong + 1).fill(0));
}

for (
  const [maxSamples, p, price, saved, lost] of [
    [8, 0.6, 0.001, 25, 0],
    [8, 0.6, 0.006, 30, 0.15],
    [8, 0.6, 0.012, 38, 0.82],
    [8, 0.8, 0.001, 46, 0.05],
    [16, 0.6, 0.002, 42, 0.15],
    [16, 0.8, 0.001, 67, 0.05],
  ] as const
) {
  Deno.test(`of ${maxSamples} samples that are right in ${p * 100} %, no rule saves more than ${saved} % for ${lost} points`, () => {
    const problem = { p, wrong: 3, maxSamples };
    const all = bestRule(problem, 0);
    const { accuracy, asked } = bestRule(problem, price);
    assertAlmostEquals(100 * (1 - asked / maxSamples), saved, 0.5);
    assertAlmostEquals(100 * (all.accuracy - accuracy), lost, 0.006);
  });
}
