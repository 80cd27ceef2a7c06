import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";
import { THOUGHT } from "../setup/script.ts";

/** The model stops while it is drafting. */
const unclosed = (content: string) => ({ replies: { "draft.think": { content } } });

const once = { "draft.think": 1 };
const followedUp = { "draft.think": 1, "draft.wait": 1, answer: 1 };

export const cases: StrategyCases = {
  agreeing: once,
  differing: [once, once, once, followedUp, followedUp],
  ways: [
    {},
    { script: unclosed(`<think>${THOUGHT}`), body: { reasoning_effort: "low" } },
    { body: { reasoning_effort: "high" } },
    { body: { reasoning: { wait: 1 } } },
  ],
  roles: { think: ["draft.think", "draft.wait"], answer: ["answer"] },
  answer: { kind: "draft.think" },
  progress: "",
  followUps: { first: ["draft.think"], wait: "draft.wait", last: "answer" },
  disconnects: [
    { when: "during its call", answered: 0, running: 1 },
    {
      when: "while its draft is answered",
      answered: 1,
      running: 1,
      script: unclosed("<think>Hm"),
    },
  ],
  usage: [
    {
      calls: "one call, half of it thinking",
      expected: usage(35, 0, 14, 7, 1, 35, 0),
    },
    {
      calls: "an unclosed draft and the answer to it",
      script: unclosed("<think>Hm"),
      expected: usage(35, 0, 25, 14, 2, 95, 0),
    },
  ],
};
