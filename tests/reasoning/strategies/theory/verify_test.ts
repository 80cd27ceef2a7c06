import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createStrategyApp } from "../setup/app.ts";
import { isRight, problemText, startSimulated } from "../../../support/simulated.ts";
import { binomialInterval, meanTolerance, moments } from "./statistics.ts";
import { verifyTheory } from "./verify.ts";

const REQUESTS = 250;

/** A verifier that never objects, and one that tosses a coin. */
const BLIND = { sensitivity: 0, specificity: 1 };
const COIN = { sensitivity: 0.5, specificity: 0.5 };

for (
  const [maxSolvers, plain, checked, calls] of [
    // Two solvers that agree or differ; then two verifiers, and the repair if both object. Of tied
    // answers, two take two calls of a judge, and more take four.
    [2, 0.5, 0.7117, [2, 4, 5, 6, 7]],
    // Two that agree, three of which two agree, or three with their verifiers and the repair.
    [3, 0.5833, 0.7045, [2, 3, 6, 7, 8, 9, 10, 11]],
    [5, 0.6528, 0.7194, [2, 3, 5, 8, 9, 10, 11, 12]],
  ] as const
) {
  Deno.test(`a verifier of sensitivity 0.8 and specificity 0.9 lifts ${maxSolvers} solvers at 50 % from ${plain} to ${checked}`, () => {
    const skill = { p: 0.5, wrong: 3, maxSolvers, sensitivity: 0.8, specificity: 0.9 };
    const theory = verifyTheory(skill);
    assertAlmostEquals(theory.voting, plain, 0.00005);
    assertAlmostEquals(theory.accuracy, checked, 0.00005);
    assertEquals([...theory.calls.keys()].sort((x, y) => x - y), [...calls]);
  });
}

Deno.test("a verifier that never objects changes nothing", () => {
  for (const p of [0.2, 0.5, 0.8]) {
    for (const maxSolvers of [2, 3, 5]) {
      const { accuracy, voting } = verifyTheory({ p, wrong: 3, maxSolvers, ...BLIND });
      assertAlmostEquals(accuracy, voting, 1e-12, `${p} ${maxSolvers}`);
    }
  }
});

for (const wrong of [1, 2, 3]) {
  Deno.test(`an uninformative verifier is never worse than a vote, with ${wrong} wrong answers`, () => {
    for (const p of [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) {
      // More votes do not help a model that is more likely wrong in the same way than right.
      if (p <= (1 - p) / wrong) continue;
      for (const maxSolvers of [2, 3, 4, ...(p === 0.5 || p === 0.7 ? [5] : [])]) {
        for (const objects of [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]) {
          const useless = { sensitivity: objects, specificity: 1 - objects };
          const { accuracy, voting } = verifyTheory({ p, wrong, maxSolvers, ...useless });
          assert(
            accuracy >= voting - 1e-12,
            `${p} ${maxSolvers} ${objects}: ${accuracy} < ${voting}`,
          );
        }
      }
    }
  });
}

Deno.test("higher sensitivity and specificity never lower accuracy", () => {
  const accuracy = (sensitivity: number, specificity: number) =>
    verifyTheory({ p: 0.5, wrong: 3, maxSolvers: 3, sensitivity, specificity }).accuracy;
  for (const low of [0, 0.25, 0.5, 0.75]) {
    assert(accuracy(low + 0.25, 0.9) > accuracy(low, 0.9), `sensitivity ${low}`);
    assert(accuracy(0.8, low + 0.25) > accuracy(0.8, low), `specificity ${low}`);
  }
});

for (
  const [name, more] of [
    ["a good verifier", { maxSolvers: 3, sensitivity: 0.8, specificity: 0.9 }],
    ["a perfect verifier of two solvers", { maxSolvers: 2, sensitivity: 1, specificity: 1 }],
    ["a verifier that never objects", { maxSolvers: 3, ...BLIND }],
    ["a verifier that objects by chance", { maxSolvers: 3, ...COIN }],
    ["a verifier that always objects", { maxSolvers: 3, sensitivity: 1, specificity: 0 }],
    ["a good verifier of five solvers", { maxSolvers: 5, sensitivity: 0.8, specificity: 0.9 }],
    ["a verifier of five solvers that objects by chance", { maxSolvers: 5, ...COIN }],
  ] as const
) {
  Deno.test(`${name} gains what theory predicts`, async () => {
    const { maxSolvers, ...verifier } = more;
    await using upstream = startSimulated({ p: 0.5, wrong: 3, verifier, seed: 2 });
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    let right = 0;
    let calls = 0;
    for (let problem = 0; problem < REQUESTS; problem++) {
      const { content, json } = await ask("verify", {
        messages: [{ role: "user", content: problemText(problem) }],
        reasoning: { max_solvers: maxSolvers },
      });
      if (isRight(problem, content)) right++;
      calls += json.usage.upstream.calls;
    }
    const theory = verifyTheory({ p: 0.5, wrong: 3, maxSolvers, ...verifier });
    const [least, greatest] = binomialInterval(REQUESTS, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${REQUESTS} are right; theory: ${theory.accuracy}`,
    );
    const { mean, sd } = moments(theory.calls);
    assertAlmostEquals(calls / REQUESTS, mean, meanTolerance(sd, REQUESTS));
    if (verifier.sensitivity > 0) return;
    // The same solvers by plurality; the earlier wins a tie.
    const voted = Array.from({ length: REQUESTS }, (_, problem) => {
      const answers = upstream.given
        .filter((given) => given.problem === problem && given.kind !== "verify.verifier")
        .map(({ answer }) => answer);
      const votes = (answer: number) => answers.filter((other) => other === answer).length;
      return answers.reduce((best, answer) => votes(answer) > votes(best) ? answer : best);
    });
    assertEquals(right, voted.filter((answer) => answer === 0).length);
  });
}
