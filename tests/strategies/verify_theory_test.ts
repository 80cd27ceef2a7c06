import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createStrategyApp } from "./setup.ts";
import { isRight, problemText, startSimulated } from "./simulated.ts";
import { binomialInterval, meanTolerance, moments } from "./statistics.ts";
import { verifyTheory } from "./verify_theory.ts";

const REQUESTS = 250;

/** A verifier that never objects, and one that objects by the toss of a coin. */
const BLIND = { sensitivity: 0, specificity: 1 };
const COIN = { sensitivity: 0.5, specificity: 0.5 };

Deno.test("a verifier of sensitivity 0.8 and specificity 0.9 lifts three solvers at 50 % from 58 % to 71 %", () => {
  const skill = { p: 0.5, wrong: 3, most: 3, sensitivity: 0.8, specificity: 0.9 };
  const { accuracy, voting, calls } = verifyTheory(skill);
  assertAlmostEquals(voting, 0.5833, 0.0001);
  assertAlmostEquals(accuracy, 0.7105, 0.0001);
  // Two solvers that agree, three of whom two do, or three with their verifiers and the repair.
  assertEquals([...calls.keys()].sort(), [2, 3, 6, 7]);
});

Deno.test("a verifier that never objects changes nothing", () => {
  for (const p of [0.2, 0.5, 0.8]) {
    for (const most of [2, 3, 5]) {
      const { accuracy, voting } = verifyTheory({ p, wrong: 3, most, ...BLIND });
      assertAlmostEquals(accuracy, voting, 1e-12, `${p} ${most}`);
    }
  }
});

Deno.test("a verifier that objects by chance takes nothing from three solvers, and from five a point at most", () => {
  for (const p of [0.3, 0.5, 0.7, 0.9]) {
    for (const most of [2, 3]) {
      const { accuracy, voting } = verifyTheory({ p, wrong: 3, most, ...COIN });
      assert(accuracy >= voting, `${p} ${most}: ${accuracy} < ${voting}`);
    }
    const { accuracy, voting } = verifyTheory({ p, wrong: 3, most: 5, ...COIN });
    assert(accuracy >= voting - 0.01, `${p}: ${accuracy} < ${voting}`);
  }
});

Deno.test("more sensitivity and more specificity are never worse", () => {
  const accuracy = (sensitivity: number, specificity: number) =>
    verifyTheory({ p: 0.5, wrong: 3, most: 3, sensitivity, specificity }).accuracy;
  for (const low of [0, 0.25, 0.5, 0.75]) {
    assert(accuracy(low + 0.25, 0.9) > accuracy(low, 0.9), `sensitivity ${low}`);
    assert(accuracy(0.8, low + 0.25) > accuracy(0.8, low), `specificity ${low}`);
  }
});

for (
  const [name, more] of [
    ["a good verifier", { most: 3, sensitivity: 0.8, specificity: 0.9 }],
    ["a perfect verifier of two solvers", { most: 2, sensitivity: 1, specificity: 1 }],
    ["a verifier that never objects", { most: 3, ...BLIND }],
    ["a verifier that objects by chance", { most: 3, ...COIN }],
    ["a verifier that always objects", { most: 3, sensitivity: 1, specificity: 0 }],
    ["a good verifier of five solvers", { most: 5, sensitivity: 0.8, specificity: 0.9 }],
  ] as const
) {
  Deno.test(`${name} gains what theory says`, async () => {
    const { most, ...verifier } = more;
    await using upstream = startSimulated({ p: 0.5, wrong: 3, verifier, seed: 2 });
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    let right = 0;
    let calls = 0;
    for (let problem = 0; problem < REQUESTS; problem++) {
      const { content, json } = await ask("verify", {
        messages: [{ role: "user", content: problemText(problem) }],
        reasoning: { max_solvers: most },
      });
      if (isRight(problem, content)) right++;
      calls += json.usage.upstream.calls;
    }
    const theory = verifyTheory({ p: 0.5, wrong: 3, most, ...verifier });
    const [least, greatest] = binomialInterval(REQUESTS, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${REQUESTS} are right; theory: ${theory.accuracy}`,
    );
    const { mean, sd } = moments(theory.calls);
    assertAlmostEquals(calls / REQUESTS, mean, meanTolerance(sd, REQUESTS));
    if (verifier.sensitivity > 0) return;
    // The very same solvers by plurality, ties to the earlier.
    const voted = Array.from({ length: REQUESTS }, (_, problem) => {
      const answers = upstream.given
        .filter((each) => each.problem === problem && each.kind !== "verifier")
        .map(({ answer }) => answer);
      const votes = (answer: number) => answers.filter((each) => each === answer).length;
      return answers.reduce((best, each) => votes(each) > votes(best) ? each : best);
    });
    assertEquals(right, voted.filter((answer) => answer === 0).length);
  });
}
