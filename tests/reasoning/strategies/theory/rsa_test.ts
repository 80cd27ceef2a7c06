import { assert, assertAlmostEquals } from "@std/assert";
import { createRandom } from "../../../../lib/random.ts";
import { createStrategyApp } from "../setup/app.ts";
import { isRight, problemText, startSimulated } from "../../../support/simulated.ts";
import { binomial, binomialInterval, meanTolerance, moments } from "./statistics.ts";

/** Size of the population, and of the subset that an aggregation sees. */
const SIZE = 8;
const SUBSET = 3;
const ROUNDS = 2;

/** Whether an aggregator is right, given the number of right candidates. */
type Aggregator = (right: number, shown: number) => boolean;

const finds: Aggregator = (right) => right > 0;
const follows: Aggregator = (right, shown) => right * 2 > shown;

const choose = (n: number, k: number): number =>
  k < 0 || k > n ? 0 : k === 0 ? 1 : choose(n - 1, k - 1) * n / k;

/** The probability that an aggregation is right, given the number of right solutions. */
function improved(right: number, isAggregated: Aggregator): number {
  let sum = 0;
  for (let k = 0; k <= SUBSET; k++) {
    const chance = choose(right, k) * choose(SIZE - right, SUBSET - k) / choose(SIZE, SUBSET);
    if (isAggregated(k, SUBSET)) sum += chance;
  }
  return sum;
}

/** The number of right solutions, and of consecutive rounds in which three quarters agree. */
interface State {
  right: number;
  agreed: number;
  chance: number;
}

interface Theory {
  /** For each round, among requests that reach it, the probability of each number of right ones. */
  rounds: Map<number, number>[];
  /** The probability that a request reaches each round. */
  reached: number[];
  /** The probability that the plurality is right at the end. */
  accuracy: number;
}

/** From r right ones of N, the next round has Binomial(N, P(an aggregation of K is right)). */
function recur(p: number, isAggregated: Aggregator): Theory {
  const out: Theory = { rounds: [], reached: [], accuracy: 0 };
  let states: State[] = [{ right: -1, agreed: 0, chance: 1 }];
  for (let round = 0; round <= ROUNDS; round++) {
    const reached = states.reduce((sum, { chance }) => sum + chance, 0);
    const chances = new Map<number, number>();
    const next: State[] = [];
    for (const state of states) {
      const q = round === 0 ? p : improved(state.right, isAggregated);
      binomial(SIZE, q).forEach((share, right) => {
        const chance = state.chance * share;
        chances.set(right, (chances.get(right) ?? 0) + chance / reached);
        const agreed = Math.max(right, SIZE - right) >= 0.75 * SIZE ? state.agreed + 1 : 0;
        if (round < ROUNDS && agreed < 2) next.push({ right, agreed, chance });
        // A tie is won by the answer that came first; both are equally likely.
        else out.accuracy += chance * (right * 2 > SIZE ? 1 : right * 2 === SIZE ? 0.5 : 0);
      });
    }
    out.reached.push(reached);
    out.rounds.push(chances);
    states = next;
  }
  return out;
}

Deno.test("an aggregator that finds a right candidate raises a population from 40 % to 78 % in a round", () => {
  const { rounds, accuracy } = recur(0.4, finds);
  const shares = rounds.map((chances) => moments(chances).mean / SIZE);
  assertAlmostEquals(shares[0]!, 0.4, 1e-12);
  // Each subset of K is as good as K samples of its own: 1 - 0.6 ** 3.
  assertAlmostEquals(shares[1]!, 1 - 0.6 ** 3, 1e-12);
  assertAlmostEquals(accuracy, 0.943, 0.0005);
});

Deno.test("an aggregator that follows the majority strengthens it, right or wrong", () => {
  const share = (p: number) => moments(recur(p, follows).rounds[1]!).mean / SIZE;
  assertAlmostEquals(share(0.6), 0.6 ** 3 + 3 * 0.6 ** 2 * 0.4, 1e-12);
  assertAlmostEquals(share(0.5), 0.5, 1e-12);
  assert(share(0.4) < 0.4);
});

for (
  const { name, p, aggregate } of [
    { name: "finds the right one", p: 0.4, aggregate: finds },
    { name: "finds the right one of few", p: 0.15, aggregate: finds },
    { name: "follows the majority", p: 0.6, aggregate: follows },
  ]
) {
  Deno.test(`a population whose aggregator ${name} develops as predicted (p = ${p})`, async () => {
    const requests = 120;
    await using upstream = startSimulated({ p, aggregate, seed: 3 });
    const { ask } = await createStrategyApp(upstream, {
      upstream: { max_concurrency: 1 },
      random: createRandom(3),
    });
    let right = 0;
    for (let problem = 0; problem < requests; problem++) {
      const { content } = await ask("rsa", {
        messages: [{ role: "user", content: problemText(problem) }],
        reasoning: { population: SIZE, rounds: ROUNDS, subset: SUBSET },
      });
      if (isRight(problem, content)) right++;
    }
    const theory = recur(p, aggregate);
    const [least, greatest] = binomialInterval(requests, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${requests} are right; theory: ${theory.accuracy}`,
    );
    for (let round = 0; round <= ROUNDS; round++) {
      const { mean, sd } = moments(theory.rounds[round]!);
      const given = upstream.given.filter(({ kind, nth }) =>
        (kind === "sample" ? 0 : 1 + Math.floor(nth / SIZE)) === round
      );
      const reached = given.length / SIZE;
      const [fewest, most] = binomialInterval(requests, theory.reached[round]!);
      assert(fewest <= reached && reached <= most, `${reached} requests reach round ${round}`);
      const share = given.filter(({ answer }) => answer === 0).length / given.length;
      assertAlmostEquals(share, mean / SIZE, meanTolerance(sd / SIZE, reached), `round ${round}`);
    }
  });
}
