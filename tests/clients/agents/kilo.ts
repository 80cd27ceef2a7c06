import { QUESTION, recipe } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";
import { opencode } from "./opencode.ts";

/** Made from opencode: the same settings and tools. */
export const kilo: AgentProgram = {
  ...opencode,
  name: "Kilo",
  program: "kilo",
  start: (model) => ({
    args: ["run", "--auto", "--model", `o1-api/${model}`, QUESTION],
    env: {
      KILO_DISABLE_AUTOUPDATE: "1",
      KILO_DISABLE_MODELS_FETCH: "1",
      KILO_TELEMETRY_LEVEL: "off",
    },
    home: { ".config/kilo/kilo.json": recipe("opencode").replaceAll("o1-mini", "plain") },
  }),
};
