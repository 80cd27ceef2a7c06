/**
 * Coding agents, without a terminal. They are large, so only `tests/clients/agents.sh` runs these
 * tests.
 *
 * @module
 */
import { aider } from "./aider.ts";
import { testAgent } from "./behaviours.ts";
import { cline } from "./cline.ts";
import { continueCli } from "./continue_cli.ts";
import { copilot } from "./copilot.ts";
import { kilo } from "./kilo.ts";
import { opencode } from "./opencode.ts";
import { pi } from "./pi.ts";
import { qwenCode } from "./qwen_code.ts";

for (const agent of [aider, cline, continueCli, copilot, kilo, opencode, pi, qwenCode]) {
  testAgent(agent);
}
