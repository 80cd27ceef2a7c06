import type { StrategyCases } from "../setup/cases.ts";
import { usage } from "../setup/expected_usage.ts";

const plain = { plain: 1 };

export const cases: StrategyCases = {
  agreeing: plain,
  differing: Array(5).fill(plain),
  ways: [{}],
  roles: { answer: ["plain"] },
  answer: { kind: "plain" },
  progress: "",
  disconnects: [{ when: "during its call", answered: 0, running: 1 }],
  usage: [{
    calls: "one call",
    expected: usage(10, 0, 7, 0, 1, 10, 0),
  }],
};
