import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { isDecided } from "../../../lib/reasoning/answers/vote_decision.ts";
import { createStrategyApp } from "./setup.ts";
import { isRight, problemText, startSimulated } from "./simulated.ts";
import { binomial, binomialInterval, meanTolerance, moments } from "./statistics.ts";

/** What the walk over (v1, v2) comes to. */
interface Theory {
  /** The probability that the winner is right. */
  accuracy: number;
  /** How many samples are in when it is decided. */
  landed: number;
  /** How many samples are asked for: whole waves. */
  asked: Map<number, number>;
}

interface Walk {
  /** The probability of a right sample; all wrong ones agree. */
  p: number;
  /** Samples at most. */
  most: number;
  /** Samples that start together. */
  wave: number;
  /** Whether it is decided at each landing, or at the end of a wave only. */
  at: "landing" | "wave";
}

/** Every way that the votes can go, under the rule that stops them. */
function walk({ p, most, wave, at }: Walk): Theory {
  const out: Theory = { accuracy: 0, landed: 0, asked: new Map() };
  // The chance of having v1 right and v2 wrong votes, and no decision.
  let open = new Map([[0, 1]]);
  for (let landed = 1; landed <= most; landed++) {
    const asked = Math.min(most, Math.ceil(landed / wave) * wave);
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
      const stops = landed === most ||
        (mayStop && (isDecided(lead, landed - lead) || (landed === wave && lead === wave)));
      if (!stops) {
        open.set(right, chance);
        continue;
      }
      // Of equal ones the earlier stands: for each way to a tie there is the one with sides changed.
      out.accuracy += chance * (right > wrong ? 1 : right === wrong ? 0.5 : 0);
      out.landed += chance * landed;
      out.asked.set(asked, (out.asked.get(asked) ?? 0) + chance);
    }
  }
  return out;
}

Deno.test("of 15 samples at 60 % in waves of 4, 12.2 have landed when 78.3 % decide rightly", () => {
  const { accuracy, landed, asked } = walk({ p: 0.6, most: 15, wave: 4, at: "landing" });
  assertAlmostEquals(accuracy, 0.783, 0.0005);
  assertAlmostEquals(landed, 12.2, 0.05);
  assertAlmostEquals(moments(asked).mean, 12.358, 0.0005);
});

Deno.test("deciding at the end of a wave only takes 12.6 samples for the same", () => {
  const { accuracy, landed, asked } = walk({ p: 0.6, most: 15, wave: 4, at: "wave" });
  assertAlmostEquals(accuracy, 0.783, 0.0005);
  assertAlmostEquals(landed, 12.591, 0.0005);
  assertAlmostEquals(moments(asked).mean, landed, 1e-9);
});

Deno.test("stopping early costs less than half a point of a full vote's accuracy", () => {
  const full = binomial(15, 0.6).reduce((sum, chance, right) => sum + (right > 7 ? chance : 0), 0);
  const { accuracy } = walk({ p: 0.6, most: 15, wave: 4, at: "landing" });
  assertAlmostEquals(full, 0.787, 0.0005);
  assert(full - accuracy < 0.005, `${full} ${accuracy}`);
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
  const { p, most, requests } of [
    { p: 0.6, most: 15, requests: 300 },
    { p: 0.8, most: 8, requests: 200 },
    { p: 0.45, most: 8, requests: 200 },
  ]
) {
  Deno.test(`votes of samples that are right ${p * 100} % of the time reach what the walk says (${most} samples at most)`, async () => {
    await using upstream = startSimulated({ p, seed: 1 });
    // One call at a time: samples land in the order in which they were asked for.
    const { ask } = await createStrategyApp(upstream, {
      upstream: { max_concurrency: 1 },
    });
    let right = 0;
    let asked = 0;
    for (let problem = 0; problem < requests; problem++) {
      const { content, json } = await ask("vote", {
        messages: [{ role: "user", content: problemText(problem) }],
        reasoning: { max_samples: most },
      });
      if (isRight(problem, content)) right++;
      asked += json.usage.upstream.calls;
    }
    const theory = walk({ p, most, wave: 4, at: "landing" });
    const [least, greatest] = binomialInterval(requests, theory.accuracy);
    assert(
      least <= right && right <= greatest,
      `${right} of ${requests} are right; theory: ${theory.accuracy}`,
    );
    const { mean, sd } = moments(theory.asked);
    assertAlmostEquals(asked / requests, mean, meanTolerance(sd, requests));
  });
}
