import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { THOUGHT } from "../setup/script.ts";

/** The model stops while it is thinking. */
const unclosed = (content: string) => ({ replies: { "think.think": { content } } });

const once = { "think.think": 1 };
const followedUp = { "think.think": 1, wait: 1, answer: 1 };

export const cases: StrategyCases = {
  agreeing: once,
  differing: [once, once, once, followedUp, followedUp],
  ways: [
    {},
    { script: unclosed(`<think>${THOUGHT}`), body: { reasoning_effort: "low" } },
    { body: { reasoning_effort: "high" } },
    { body: { reasoning: { wait: 1 } } },
  ],
  roles: { think: ["think.think", "wait"], answer: ["answer"] },
  answer: { kind: "think.think" },
  progress: "",
  followUps: { first: ["think.think"], wait: "wait", last: "answer" },
  disconnects: [
    { when: "during its call", answered: 0, running: 1 },
    {
      when: "while its thinking is answered",
      answered: 1,
      running: 1,
      script: unclosed("<think>Hm"),
    },
  ],
  usage: [
    {
      calls: "one call, half of it thinking",
      expected: usage(30, 4, 40, 20, 1, 30, 4),
    },
    {
      calls: "an unclosed block and the answer to it",
      script: unclosed("<think>Hm"),
      expected: usage(30, 4, 51, 40, 2, 90, 4),
    },
  ],
};
