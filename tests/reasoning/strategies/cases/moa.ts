import type { StrategyCases } from "../cases.ts";
import { usage } from "../expected_usage.ts";
import { DIFFERING_TURNS } from "../script.ts";

const mixed = (proposers: number, layers = 1) => ({
  "moa.proposer": proposers,
  ...(layers === 2 ? { "moa.refine": proposers } : {}),
  "moa.aggregator": 1,
});

export const cases: StrategyCases = {
  agreeing: mixed(4),
  differing: [mixed(2), mixed(4), mixed(6), mixed(6, 2), mixed(6, 2)],
  ways: [{ body: { reasoning: { layers: 2, proposers: 16 } } }, {
    ...DIFFERING_TURNS,
    body: { ...DIFFERING_TURNS.body, reasoning: { proposers: 16 } },
  }],
  roles: {
    proposer: ["moa.proposer", "moa.refine", "turn"],
    judge: ["pick"],
    aggregator: ["moa.aggregator"],
  },
  answer: { kind: "moa.aggregator" },
  progress: "4 of 4 answers are in.",
  samples: 4,
  callsOverCap: 7,
  options: [{ options: { proposers: 3, layers: 2 }, calls: mixed(3, 2) }],
  waves: [4, 1],
  failingAnswers: [{ body: {}, hasFallback: true }],
  disconnects: [
    { when: "while all propose", answered: 0, running: 4 },
    { when: "while one aggregates", answered: 4, running: 1 },
    {
      when: "in the second layer",
      answered: 4,
      running: 4,
      script: {},
      body: { reasoning: { layers: 2 } },
    },
  ],
  usage: [
    {
      calls: "two layers and the aggregator",
      body: { reasoning: { layers: 2 } },
      expected: usage(39, 0, 419, 396, 9, 636, 25),
    },
    {
      calls: "four proposers and the aggregator",
      expected: usage(39, 0, 227, 204, 5, 456, 17),
    },
  ],
};
