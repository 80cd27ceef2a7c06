import { resolve } from "node:path";
import type { ListenAddress } from "../../config/listen.ts";
import { PLACEHOLDER_TOKEN } from "../../config/resolve.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { VERSION } from "../../server/version.ts";
import { type CommandOptions, type Configuration, readVariable } from "../configuration.ts";
import { logFormat } from "../log.ts";
import { programCommand, shellWord } from "../program_command.ts";

export interface Announcement {
  options: CommandOptions;
  configuration: Configuration;
  /** Address with the port that was chosen. */
  address: ListenAddress;
  workers: number;
}

const QUESTION = "What is 17 × 23 − 5?";

/** Prints a banner for people, or logs a line for programs. */
export function announce(announcement: Announcement, log: Log): void {
  const { options, configuration, address, workers } = announcement;
  const { path, isFound, resolved: config } = configuration;
  const origin = originOf(address);
  const url = `${origin}/v1`;
  const models = config.models.map((model) => model.reasoning.id);
  const command = programCommand(options.moduleDir);
  // Another terminal may be in another folder and have other variables.
  const isChosen = options.config !== undefined || isFound && readVariable("O1_API_HOME");
  const configFlag = isChosen ? ` --config ${shellWord(resolve(path))}` : "";
  const facts = {
    url,
    ...(config.server.playground ? { playground: `${origin}/` } : {}),
    ask: `${command} ask${configFlag} "${QUESTION}"`,
    config: isFound
      ? path
      : `none at ${path}; the demo model answers, and \`${programCommand()} init\` writes one`,
    models: models.join(", "),
    access: address.loopbackOnly
      ? "this machine only (127.0.0.1), until you set api_bearer_token"
      : "every client that has the token or a key",
    workers,
    version: VERSION,
    curl: curlExample(url, models[0] ?? "o1", tokenExample(config.hasRealToken)),
  };
  if (logFormat(config) === "json") return log.info(`o1-api listens on ${url}`, facts);
  const { url: _, playground, ask, curl, ...shown } = facts;
  const lines = Object.entries(shown).map(([name, value]) => `  ${name.padEnd(11)} ${value}\n`);
  console.log(`
${playground === undefined ? "Ask" : `Open ${playground} in a browser, or ask`} in another terminal:
  ${ask}

o1-api listens on ${url}
${lines.join("")}
An API call:
  ${curl}
`);
}

/** The URL of the server for clients on this machine. */
export function originOf({ hostname, port }: ListenAddress): string {
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** A secret is never printed; the shell replaces the name of its variable. */
function tokenExample(hasRealToken: boolean): string {
  if (!hasRealToken) return PLACEHOLDER_TOKEN;
  return readVariable("O1_API_TOKEN") ? "$O1_API_TOKEN" : "$TOKEN";
}

function curlExample(url: string, model: string, token: string): string {
  const messages = [{ role: "user", content: QUESTION }];
  return `curl -N ${url}/chat/completions -H "Authorization: Bearer ${token}" ` +
    `-H "Content-Type: application/json" -d '${JSON.stringify({ model, stream: true, messages })}'`;
}
