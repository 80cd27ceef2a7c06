import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { TOOLS, toSteps } from "../setup/script.ts";

const steps = (count: number) => ({
  "steps.step": 1,
  ...(count > 1 ? { "steps.next": count - 1 } : {}),
  "steps.answer": 1,
});

export const cases: StrategyCases = {
  agreeing: steps(3),
  differing: [4, 8, 12, 25, 25].map(steps),
  ways: [
    { body: { reasoning: { wait: 1, max_steps: 9 } } },
    { body: { tools: TOOLS } },
    {
      script: {
        replies: toSteps(({ index }) => ({ content: `Words ${index}`, finish: "length" })),
      },
    },
  ],
  roles: {
    step: ["steps.next", "steps.resume", "steps.step", "steps.wait"],
    answer: ["steps.answer"],
  },
  answer: { kind: "steps.answer" },
  options: [{ options: { min_steps: 1 }, calls: steps(1) }],
  thinkingFormat: "reasoning_step",
  followUps: {
    first: ["steps.step", "steps.next", "steps.next"],
    wait: "steps.wait",
    last: "steps.answer",
  },
  failingAnswers: [{ body: {}, hasFallback: false }],
  disconnects: [
    { when: "at its second step", answered: 1, running: 1, script: {} },
    { when: "at its answer", answered: 3, running: 1, script: {} },
  ],
  usage: [{
    calls: "three steps and the answer",
    expected: usage(100, 50, 102, 93, 4, 480, 278),
  }],
};
