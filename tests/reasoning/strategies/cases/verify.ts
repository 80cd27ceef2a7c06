import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { allDiffer, DIFFERING_TURNS, FORMAT, TOOLS } from "../setup/script.ts";

const solved = { sample: 1, "verify.planner": 1 };

export const cases: StrategyCases = {
  agreeing: solved,
  differing: [2, 3, 5, 7, 7].map((solvers) => ({
    sample: solvers - 1,
    "verify.planner": 1,
    "verify.verifier": solvers,
    judge: solvers === 2 ? 2 : 4,
  })),
  ways: [{
    script: { answer: allDiffer, refutes: () => true },
    body: { response_format: FORMAT },
  }, DIFFERING_TURNS],
  roles: {
    solver: ["sample", "turn", "verify.planner", "verify.repair"],
    judge: ["judge", "pick"],
    verifier: ["verify.verifier"],
    answer: ["synthesize"],
  },
  answer: { kind: "synthesize", body: { tools: TOOLS } },
  showsSample: true,
  samples: 2,
  options: [{ options: { max_solvers: 2 }, calls: solved }],
  waves: [2, 1, 3, 2, 2],
  failingAnswers: [
    { body: { tools: TOOLS }, hasFallback: true },
  ],
  disconnects: [
    { when: "while two solve", answered: 0, running: 2 },
    { when: "while a third solves", answered: 2, running: 1 },
    { when: "while the answers are checked", answered: 3, running: 3 },
    { when: "while one is repaired", answered: 6, running: 1 },
    { when: "while a judge compares", answered: 7, running: 2 },
    {
      when: "at the call that may use tools",
      answered: 2,
      running: 1,
      script: {},
      body: { tools: TOOLS },
    },
  ],
  usage: [{
    calls: "a solver and one with a plan",
    expected: usage(41, 0, 114, 111, 2, 88, 3),
  }],
};
