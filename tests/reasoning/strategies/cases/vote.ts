import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { allDiffer, DIFFERING_TURNS, TOOLS } from "../setup/script.ts";

/** Of at most 16 samples, four that agree decide; of at most 8, three. */
const high = { reasoning_effort: "high" };

const synthesized = { reasoning: { finalize: "synthesize" } };

export const cases: StrategyCases = {
  agreeing: { sample: 4 },
  differing: [4, 8, 16, 24, 24].map((sample) => ({ sample, judge: 4 })),
  ways: [{ script: { answer: allDiffer }, body: synthesized }, DIFFERING_TURNS],
  roles: { sample: ["sample", "turn"], judge: ["judge", "pick"], answer: ["synthesize"] },
  answer: { kind: "synthesize", body: synthesized },
  showsSample: true,
  progress: "3 of 3 agree on 42",
  samples: 4,
  callsOverCap: 4,
  options: [
    { options: { wave: 3 }, calls: { sample: 4 } },
    { options: { max_samples: 1 }, calls: { sample: 1 } },
    { options: { wave: 2, finalize: "synthesize" }, calls: { sample: 4, synthesize: 1 } },
  ],
  waves: [4, 2, 1, 1, 4],
  failingAnswers: [
    { body: { tools: TOOLS }, hasFallback: true },
  ],
  disconnects: [
    { when: "in the first wave", answered: 0, running: 4 },
    { when: "in the second wave", answered: 4, running: 2 },
    { when: "while a judge compares", answered: 8, running: 4 },
    {
      when: "while the winner is rewritten",
      answered: 4,
      running: 1,
      script: {},
      body: synthesized,
    },
  ],
  usage: [
    {
      // Of a sample "It is 42." is shown: about 3 tokens.
      calls: "four samples",
      body: high,
      expected: usage(41, 0, 212, 209, 4, 164, 0),
    },
    {
      calls: "four samples and the call that may use tools",
      body: { tools: TOOLS, ...high },
      expected: usage(41, 0, 224, 212, 5, 230, 1),
    },
    {
      calls: "four samples and the rewriting",
      body: { ...synthesized, ...high },
      expected: usage(41, 0, 224, 212, 5, 230, 1),
    },
  ],
};
