import { exportsOf, QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

export const aider: AgentProgram = {
  name: "Aider",
  program: "aider",
  start: (model) => ({
    args: [
      ...["--model", `openai/${model}`, "--message", QUESTION, "--yes-always", "--no-git"],
      ...["--analytics-disable", "--no-check-update", "--no-show-model-warnings"],
      ...["--edit-format", "whole", "a.txt"],
    ],
    env: exportsOf("Aider"),
    // A list of prices, or it loads one.
    home: {
      ".aider.model.settings.yml": recipe("Aider", "yaml"),
      ".aider/caches/model_prices_and_context_window.json": '{"none":{}}',
    },
  }),
  failsWith: 0,
  requests: 9,
  limitedRequests: 27,
  edits: "a.txt\n```\nfour\n```\n",
};
