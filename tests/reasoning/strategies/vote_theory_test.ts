import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { isDecided } from "../../../lib/reasoning/answers/vote_decision.ts";
import { createStrategyApp } from "./setup.ts";
import { isRight, problemText, startSimulated } from "../../support/simulated.ts";
import { binomial, binomialInterval, meanTolerance, moments } from "./statistics.ts";

interface Theory {
  /** The probability that the winner is right. */
  accuracy: number;
  /** Expected number of samples at the decision. */
  landed: number;
  /** The probability of each number of requested samples: whole waves. */
  asked: Map<number, number>;
}

interface Walk {
  /** The probability that a sample is right; all wrong ones agree. */
  p: number;
  /** Maximum number of samples. */
  maxSamples: number;
  /** Number of samples that start together. */
  wave: number;
  /** Whether each sample can decide, or only the end of a wave. */
  at: "landing" | "wave";
}

/**
 * The probability that the leader of two answers is the more frequent one, under a uniform prior:
 * the mass of the Beta distribution (first + 1, second + 1) above ½, by Simpson's rule.
 */
function certainty(first: number, second: number): number {
  const density = (p: number) => p ** first * (1 - p) ** second;
  const integral = (from: number, to: number, steps = 2_000) => {
    const width = (to - from) / steps;
    let sum = density(from) + density(to);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 0 ? 2 : 4) * density(from + i * width);
    return sum * width / 3;
  };
  return integral(0.5, 1) / integral(0, 1);
}

/** The rule of Adaptive-Consistency (arXiv 2305.11860), whose threshold is 0.95. */
const isCertain = (first: number, second: number) => certainty(first, second) >= 0.95;

/** Walks over all outcomes of the votes (v1, v2) until the rule stops them. */
function walk({ p, maxSamples, wave, at }: Walk): Theory {
  const out: Theory = { accuracy: 0, landed: 0, asked: new Map() };
  // The probability of v1 right and v2 wrong votes without a decision.
  let open = new Map([[0, 1]]);
  for (let landed = 1; landed <= maxSamples; landed++) {
    const asked = Math.min(maxSamples, Math.ceil(landed / wave) * wave);
    const next = new Map<number, number>();
    for (const [right, chance] of open) {
      next.set(right, (next.get(right) ?? 0) + chance * (1 - p));
      next.set(right + 1, (next.get(right + 1) ?? 0) + chance * p);
    }
    open = new Map();
    for (const [right, chance] of next) {
      const wrong = landed - right;
      const lead = Math.max(right, wrong);
      const mayStop = at === "landing" || landed === asked;
      const stops = landed === maxSamples ||
        (mayStop && (isCertain(lead, landed - lead) || (landed === wave && lead === wave)));
      if (!stops) {
        open.set(right, chance);
        continue;
      }
      // A tie is won by the earlier answer, which is right in half of all ties.
      out.accuracy += chance * (right > wrong ? 1 : right === wrong ? 0.5 : 0);
      out.landed += chance * landed;
      out.asked.set(asked, (out.asked.get(asked) ?? 0) + chance);
    }
  }
  return out;
}

Deno.test("15 samples at 60 % in waves of 4 decide rightly in 78.3 %, after 12.2 samples", () => {
  const { accuracy, landed, asked } = walk({ p: 0.6, maxSamples: 15, wave: 4, at: "landing" });
  assertAlmostEquals(accuracy, 0.783, 0.0005);
  assertAlmostEquals(landed, 12.2, 0.05);
  assertAlmostEquals(moments(asked).mean, 12.358, 0.0005);
});

Deno.test("deciding only at the end of a wave takes 12.6 samples", () => {
  const { accuracy, landed, asked } = walk({ p: 0.6, maxSamples: 15, wave: 4, at: "wave" });
  assertAlmostEquals(accuracy, 0.783, 0.0005);
  assertAlmostEquals(landed, 12.591, 0.0005);
  assertAlmostEquals(moments(asked).mean, landed, 1e-9);
});

Deno.test("stopping early lowers accuracy by less than half a point", () => {
  const full = binomial(15, 0.6).reduce((sum, chance, right) => sum + (right > 7 ? chance : 0), 0);
  const { accuracy } = walk({ p: 0.6, maxSamples: 15, wave: 4, at: "landing" });
  assertAlmostEquals(full, 0.787, 0.0005);
  assert(full - accuracy < 0.005, `${full} ${accuracy}`);
});

Deno.test("a lead decides when it is 95 % certain", () => {
  assertAlmostEquals(certainty(3, 0), 0.9375, 1e-9);
  assertAlmostEquals(certainty(4, 0), 0.96875, 1e-9);
  for (let first = 0; first <= 24; first++) {
    for (let second = 0; second <= first; second++) {
      assertEquals(isDecided(first, second), isCertain(first, second), `${first} to ${second}`);
    }
  }
});

for (
  const [votes, decided] of [
    [[3, 0], false],
    [[4, 0], true],
    [[5, 1], false],
    [[6, 1], true],
    [[7, 2], false],
    [[8, 2], true],
  ] as const
) {
  Deno.test(`a lead of ${votes.join(" to ")} ${decided ? "decides" : "does not decide"}`, () => {
    assertEquals(isDecided(votes[0], votes[1]), decided);
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
    const theory = walk({ p, maxSamples, wave: 4, at: "landing" });
    const [least, greatest] = binomialInterval(requests, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${requests} are right; theory: ${theory.accuracy}`,
    );
    const { mean, sd } = moments(theory.asked);
    assertAlmostEquals(asked / requests, mean, meanTolerance(sd, requests));
  });
}
