import { QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

export const opencode: AgentProgram = {
  name: "opencode",
  program: "opencode",
  start: (model) => ({
    args: ["run", "--model", `o1-api/${model}`, QUESTION],
    env: { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" },
    home: { ".config/opencode/opencode.json": recipe("opencode").replaceAll("o1-mini", "plain") },
  }),
  reads: (filePath) => [
    ["read", { filePath }],
    ["bash", { command: "cat a.txt", description: "Show the file" }],
  ],
  edit: (filePath) => ["edit", { filePath, oldString: "two", newString: "four" }],
  // One asks for a title, and one repeats a conversation that is too long.
  requests: 3,
  limitedRequests: 20,
};
