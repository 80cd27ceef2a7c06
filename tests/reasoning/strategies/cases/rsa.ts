import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { allDiffer, FORMAT, TOOLS } from "../setup/script.ts";

const population = (size: number, rounds: number) => ({
  sample: size,
  "rsa.aggregate": size * rounds,
});

export const cases: StrategyCases = {
  agreeing: population(8, 1),
  differing: [
    population(4, 1),
    population(8, 1),
    population(8, 2),
    population(12, 3),
    population(12, 3),
  ].map((calls) => ({ ...calls, "rsa.answer": 1 })),
  ways: [
    { script: { answer: allDiffer } },
    { body: { response_format: FORMAT } },
    { script: { answer: ({ index }) => index % 2 } },
  ],
  roles: {
    judge: ["judge"],
    sample: ["sample"],
    aggregator: ["rsa.aggregate"],
    answer: ["rsa.answer", "synthesize"],
  },
  answer: { kind: "synthesize", body: { tools: TOOLS } },
  showsSample: true,
  progress: "Round 0: 8 of 8 agree on 42",
  samples: 8,
  callsOverCap: 9,
  options: [{ options: { population: 5, rounds: 1 }, calls: population(5, 1) }],
  waves: [8, 8, 1],
  failingAnswers: [
    { body: { response_format: { type: "json_object" } }, hasFallback: false },
    { body: { tools: TOOLS, tool_choice: "required" }, hasFallback: false },
    { body: { tools: TOOLS }, hasFallback: true },
  ],
  disconnects: [
    { when: "in the first population", answered: 0, running: 8 },
    { when: "in the second", answered: 8, running: 8 },
    { when: "while one makes an answer of the last", answered: 16, running: 1 },
  ],
  usage: [
    {
      calls: "eight samples and eight aggregations",
      expected: usage(41, 0, 880, 877, 16, 1528, 0),
    },
    {
      calls: "a population that differs and the answer made of it",
      script: { answer: allDiffer },
      expected: usage(41, 0, 899, 880, 17, 1738, 5),
    },
  ],
};
