import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { isDecided } from "../../../../lib/reasoning/answers/vote_decision.ts";
import { createStrategyApp } from "../setup/app.ts";
import { isRight, problemText, startSimulated } from "../../../support/simulated.ts";
import { binomialInterval, meanTolerance, moments } from "./statistics.ts";

interface Theory {
  /** The probability that the winner is right. */
  accuracy: number;
  /** Expected number of samples at the decision. */
  landed: number;
  /** The probability of each number of requested samples: whole waves. */
  asked: Map<number, number>;
}

interface Walk {
  /** The probability that a sample is right. */
  p: number;
  /** Number of wrong answers, which are equally likely. */
  wrong: number;
  /** Maximum number of samples. */
  maxSamples: number;
  /** Number of samples that start together at first. */
  wave: number;
}

/**
 * The probability that the first answer has at least as many votes as the second after `rest` more
 * samples, each of which repeats an earlier one with the probabilities of a Pólya urn that begins
 * with one vote for the first, the second and all others.
 */
function certainty([first = 0, second = 0, other = 0]: readonly number[], rest: number): number {
  if (rest === 0) return first >= second ? 1 : 0;
  const key = `${first} ${second} ${other} ${rest}`;
  const known = certainties.get(key);
  if (known !== undefined) return known;
  const sum = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const).reduce((sum, [a, b, c]) => {
    const chance = (a * (first + 1) + b * (second + 1) + c * (other + 1)) /
      (first + second + other + 3);
    return sum + chance * certainty([first + a, second + b, other + c], rest - 1);
  }, 0);
  certainties.set(key, sum);
  return sum;
}

const certainties = new Map<string, number>();

/** Whether `certainty` is 0.98. */
function stops(votes: readonly number[], rest: number): boolean {
  const [first = 0, second = 0, ...others] = votes.toSorted((a, b) => b - a);
  const counts = [first, second, others.reduce((sum, votes) => sum + votes, 0)];
  return certainty(counts, rest) >= 0.98;
}

/** Walks over all outcomes of the votes until the rule stops them; the first answer is right. */
function walk({ p, wrong, maxSamples, wave }: Walk): Theory {
  const out: Theory = { accuracy: 0, landed: 0, asked: new Map() };
  const chances = [p, ...Array.from({ length: wrong }, () => (1 - p) / wrong)];
  let open = new Map([[JSON.stringify([chances.map(() => 0), wave]), 1]]);
  for (let landed = 1; landed <= maxSamples; landed++) {
    const next = new Map<string, number>();
    for (const [state, chance] of open) {
      const [before, asked] = JSON.parse(state) as [number[], number];
      chances.forEach((own, answer) => {
        const votes = before.with(answer, before[answer]! + 1);
        const rest = maxSamples - landed;
        if (landed === maxSamples || stops(votes, rest)) {
          const most = Math.max(...votes);
          const ties = votes.filter((count) => count === most).length;
          out.accuracy += votes[0] === most ? chance * own / ties : 0;
          out.landed += chance * own * landed;
          out.asked.set(asked, (out.asked.get(asked) ?? 0) + chance * own);
          return;
        }
        // A wave is over; the next one could just decide.
        const first = votes.indexOf(Math.max(...votes));
        let size = 1;
        const agreed = () => votes.with(first, votes[first]! + size);
        while (size < Math.min(wave, rest) && !stops(agreed(), rest - size)) size++;
        // Wrong answers are alike.
        const sorted = [votes[0], ...votes.slice(1).sort((a, b) => b - a)];
        const key = JSON.stringify([sorted, landed === asked ? asked + size : asked]);
        next.set(key, (next.get(key) ?? 0) + chance * own);
      });
    }
    open = next;
  }
  return out;
}

/** The probability that most of n samples are right; of equal answers each wins as often. */
function fixedAccuracy(p: number, wrong: number, n: number): number {
  const chances = [p, ...Array.from({ length: wrong }, () => (1 - p) / wrong)];
  let open = new Map([[JSON.stringify(chances.map(() => 0)), 1]]);
  for (let landed = 0; landed < n; landed++) {
    const next = new Map<string, number>();
    for (const [state, chance] of open) {
      const before = JSON.parse(state) as number[];
      chances.forEach((own, answer) => {
        const votes = before.with(answer, before[answer]! + 1);
        const key = JSON.stringify([votes[0], ...votes.slice(1).sort((a, b) => b - a)]);
        next.set(key, (next.get(key) ?? 0) + chance * own);
      });
    }
    open = next;
  }
  return [...open].reduce((sum, [state, chance]) => {
    const votes = JSON.parse(state) as number[];
    const most = Math.max(...votes);
    const ties = votes.filter((count) => count === most).length;
    return sum + (votes[0] === most ? chance / ties : 0);
  }, 0);
}

// The figures of docs/strategies.md.
for (
  const [maxSamples, p, wrong, saved, lost] of [
    [8, 0.45, 3, 19, 0.11],
    [8, 0.6, 3, 27, 0.15],
    [8, 0.8, 3, 40, 0.05],
    [8, 0.6, 1, 31, 0.28],
    [16, 0.6, 3, 43, 0.16],
    [16, 0.8, 3, 62, 0.01],
    [16, 0.6, 1, 38, 0.81],
    [24, 0.6, 3, 52, 0.15],
    [24, 0.8, 3, 71, 0.01],
    [24, 0.6, 1, 42, 1.38],
  ] as const
) {
  const what = `of ${maxSamples} samples, ${p * 100} % right and ${wrong} other answers`;
  Deno.test(`${what}: the rule saves ${saved} % and loses ${lost} points`, () => {
    const { accuracy, asked } = walk({ p, wrong, maxSamples, wave: 4 });
    assertAlmostEquals(100 - 100 * moments(asked).mean / maxSamples, saved, 0.5);
    assertAlmostEquals(100 * (fixedAccuracy(p, wrong, maxSamples) - accuracy), lost, 0.005);
  });
}

Deno.test("a lead decides when its chance to stay ahead is 98 %", () => {
  for (let first = 1; first <= 6; first++) {
    for (let second = 0; second <= first; second++) {
      for (let other = 0; other <= 2; other++) {
        for (let rest = 0; rest <= 6; rest++) {
          const votes = [first, second, other];
          const actual = isDecided(votes, rest);
          assertEquals(actual, certainty(votes, rest) >= 0.98, `${votes}, ${rest}`);
        }
      }
    }
  }
});

for (
  const [votes, rest, decided] of [
    [[], 0, false],
    [[2], 6, false],
    [[3], 5, true],
    [[3, 1], 4, false],
    [[4, 1], 3, true],
    [[2, 1, 1, 1], 3, false],
    [[5], 11, true],
    [[4], 12, true],
    [[4, 1], 11, false],
    [[50], 78, true],
  ] as const
) {
  const what = `${votes.join(" to ") || "no votes"} with ${rest} more`;
  Deno.test(`${what} ${decided ? "decides" : "does not decide"}`, () => {
    assertEquals(isDecided(votes, rest), decided);
  });
}

for (
  const { p, maxSamples, requests } of [
    { p: 0.6, maxSamples: 15, requests: 300 },
    { p: 0.8, maxSamples: 8, requests: 200 },
    { p: 0.45, maxSamples: 8, requests: 200 },
  ]
) {
  Deno.test(`a vote of samples that are right in ${p * 100} % reaches the predicted accuracy (at most ${maxSamples} samples)`, async () => {
    await using upstream = startSimulated({ p, seed: 1 });
    // One call at a time, so that samples complete in the order of their requests.
    const { ask } = await createStrategyApp(upstream, {
      upstream: { max_concurrency: 1 },
    });
    let right = 0;
    let asked = 0;
    for (let problem = 0; problem < requests; problem++) {
      const { content, json } = await ask("vote", {
        messages: [{ role: "user", content: problemText(problem) }],
        reasoning: { max_samples: maxSamples },
      });
      if (isRight(problem, content)) right++;
      asked += json.usage.upstream.calls;
    }
    const theory = walk({ p, wrong: 1, maxSamples, wave: 4 });
    const [least, greatest] = binomialInterval(requests, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${requests} are right; theory: ${theory.accuracy}`,
    );
    const { mean, sd } = moments(theory.asked);
    assertAlmostEquals(asked / requests, mean, meanTolerance(sd, requests));
  });
}
