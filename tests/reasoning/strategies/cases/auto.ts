import type { RouterCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";

const poem = { messages: [{ role: "user", content: "Write a short poem about autumn." }] };

/** The question of the tests is closed, so that `auto` votes on it. */
export const cases: RouterCases = {
  agreeing: { sample: 4 },
  answer: { kind: "moa.aggregator", body: poem },
  showsSample: true,
  progress: "3 of 3 agree on 42",
  samples: 4,
  disconnects: [
    { when: "in the first wave of its vote", answered: 0, running: 4 },
    { when: "while its mixture is made", answered: 4, running: 1, script: {}, body: poem },
  ],
  usage: [
    {
      calls: "the two samples of its vote",
      body: { reasoning: { wave: 2, max_samples: 4 } },
      expected: usage(41, 0, 106, 103, 2, 82, 0),
    },
    {
      calls: "the one call of its thinking",
      body: { reasoning_effort: "low" },
      expected: usage(30, 4, 40, 20, 1, 30, 4),
    },
  ],
};
