import { exportsOf, QUESTION } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

export const copilot: AgentProgram = {
  name: "Copilot CLI",
  program: "copilot",
  start: (model) => ({
    args: ["--allow-all-tools", "--prompt", QUESTION],
    env: { ...exportsOf("Copilot CLI"), COPILOT_MODEL: model },
  }),
  reads: (path) => [
    ["view", { path }],
    ["bash", { command: "cat a.txt", description: "Show the file" }],
  ],
  edit: (path) => ["edit", { path, old_str: "two", new_str: "four" }],
  limitedRequests: 6,
};
