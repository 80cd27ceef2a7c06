import { ADDRESS, KEY, QUESTION } from "./agent.ts";
import type { AgentProgram } from "./behaviours.ts";

const PROVIDER = "openai-compatible";

/** What `cline auth` writes. */
const settings = (model: string) =>
  JSON.stringify({
    version: 1,
    lastUsedProvider: PROVIDER,
    modes: {},
    providers: {
      [PROVIDER]: {
        settings: { provider: PROVIDER, apiKey: KEY, model, baseUrl: `${ADDRESS}/v1` },
        updatedAt: "2026-01-01T00:00:00.000Z",
        tokenSource: "manual",
      },
    },
  });

export const cline: AgentProgram = {
  name: "Cline",
  program: "cline",
  start: (model) => ({
    args: ["--model", model, QUESTION],
    env: { CLINE_TELEMETRY_DISABLED: "1", CLINE_NO_AUTO_UPDATE: "1" },
    home: { ".cline/data/settings/providers.json": settings(model) },
  }),
  reads: (path) => [
    ["read_files", { files: [{ path }] }],
    ["run_commands", { commands: ["cat a.txt"] }],
  ],
  edit: (path) => ["editor", { path, old_text: "two", new_text: "four" }],
  limitedRequests: 6,
};
