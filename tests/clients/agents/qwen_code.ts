import { exportsOf, QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

/** What the documentation recommends, without contact to other hosts. */
const SETTINGS = JSON.stringify({
  ...JSON.parse(recipe("Qwen Code", "json")),
  telemetry: { enabled: false },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false },
});

export const qwenCode: AgentProgram = {
  name: "Qwen Code",
  program: "qwen",
  start: (model) => ({
    args: ["--auth-type", "openai", "--yolo", "--prompt", QUESTION],
    env: { ...exportsOf("Qwen Code"), OPENAI_MODEL: model, QWEN_CODE_NO_RELAUNCH: "true" },
    home: { ".qwen/settings.json": SETTINGS },
  }),
  reads: (file_path) => [
    ["read_file", { file_path }],
    // It may lose the output of a command that ends at once.
    ["run_shell_command", { command: "cat a.txt; sleep 1", is_background: false }],
  ],
  edit: (file_path) => ["edit", { file_path, old_string: "two", new_string: "four" }],
  limitedRequests: 7,
};
