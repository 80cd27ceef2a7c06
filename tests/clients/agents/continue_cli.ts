import { QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

export const continueCli: AgentProgram = {
  name: "Continue",
  program: "cn",
  start: (model) => ({
    args: ["--print", "--auto", "--config", "../home/.continue/config.yaml", QUESTION],
    env: { CONTINUE_TELEMETRY_ENABLED: "0" },
    home: { ".continue/config.yaml": recipe("Continue").replaceAll(/: o1$/gm, `: ${model}`) },
  }),
  reads: (filepath) => [["Read", { filepath }], ["Bash", { command: "cat a.txt" }]],
  // It uses the Responses API with models called o1….
  runsOnlyFirst: (model) => model !== "plain",
  // It gives them another tool.
  edit(file_path, model) {
    const edit = { old_string: "two", new_string: "four" };
    return model === "plain"
      ? ["Edit", { file_path, ...edit }]
      : ["MultiEdit", { file_path, edits: [edit] }];
  },
  limitedRequests: 33,
};
