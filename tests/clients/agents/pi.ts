import { QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

export const pi: AgentProgram = {
  name: "pi",
  program: "pi",
  start: (model) => ({
    args: ["--provider", "o1-api", "--model", model, "--print", QUESTION],
    env: { PI_OFFLINE: "1", PI_TELEMETRY: "0" },
    home: { ".pi/agent/models.json": recipe("pi").replaceAll("o1-mini", "plain") },
  }),
  reads: (path) => [["read", { path }], ["bash", { command: "cat a.txt" }]],
  edit: (path) => ["edit", { path, edits: [{ oldText: "two", newText: "four" }] }],
  limitedRequests: 4,
  // It shows nothing, and ends as if it had answered.
  hides: ["overflow"],
};
