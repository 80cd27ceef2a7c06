import { kindOf } from "../../../support/kinds.ts";
import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { allDiffer, DIFFERING_TURNS, type Script } from "../setup/script.ts";

const mixed = (proposers: number, layers = 1) => ({
  "moa.proposer": proposers,
  ...(layers === 2 ? { "moa.refine": proposers } : {}),
  "moa.aggregator": 1,
});

/** Proposers that differ, and an aggregator that fails if a candidate may be shown instead. */
const failing: Script = {
  answer: allDiffer,
  more: (call) =>
    kindOf(call) === "moa.aggregator" && !call.body.tools && !call.body.response_format
      ? { status: 503, body: "{}" }
      : {},
};

export const cases: StrategyCases = {
  agreeing: mixed(4),
  differing: [mixed(2), mixed(4), mixed(6), mixed(6, 2), mixed(6, 2)],
  ways: [{ body: { reasoning: { layers: 2, proposers: 16 } } }, {
    ...DIFFERING_TURNS,
    body: { ...DIFFERING_TURNS.body, reasoning: { proposers: 16 } },
  }, { script: failing }],
  roles: {
    proposer: ["moa.proposer", "moa.refine", "turn"],
    judge: ["judge", "pick"],
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
    { when: "while a judge compares", answered: 5, running: 4, script: failing },
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
