import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";

const calls = { "relay.reasoner": 1, "relay.writer": 1 };

export const cases: StrategyCases = {
  agreeing: calls,
  differing: Array(5).fill(calls),
  ways: [{ body: { reasoning: { wait: 1 } } }],
  roles: { reasoner: ["relay.reasoner", "wait"], writer: ["relay.writer"] },
  answer: { kind: "relay.writer" },
  progress: "",
  mayRunOut: true,
  followUps: { first: ["relay.reasoner"], wait: "wait", last: "relay.writer" },
  failingAnswers: [{ body: {}, hasFallback: false }],
  disconnects: [
    { when: "while the reasoner thinks", answered: 0, running: 1 },
    { when: "while the writer writes", answered: 1, running: 1 },
  ],
  usage: [{
    calls: "the reasoner and the writer",
    expected: usage(32, 0, 72, 64, 2, 102, 0),
  }],
};
