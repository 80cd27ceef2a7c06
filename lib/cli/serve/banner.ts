/** Announces that the server listens. */
import type { ListenAddress } from "../../config/listen.ts";
import { PLACEHOLDER_TOKEN, type ResolvedConfig } from "../../config/resolve.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { logFormat } from "../log.ts";

export interface Announcement {
  config: ResolvedConfig;
  /** With the port that was chosen. */
  address: ListenAddress;
  /** Path of the configuration; undefined if there is none. */
  path: string | undefined;
  workers: number;
}

/** Prints a banner for people, or logs a line for programs. */
export function announce({ config, address, path, workers }: Announcement, log: Log): void {
  const url = baseUrl(address);
  const models = config.models.map((model) => model.reasoning.id);
  const facts = {
    url,
    config: path ?? "not found; using the defaults and the built-in demo model",
    models: models.join(", "),
    access: address.loopbackOnly
      ? "this machine only (127.0.0.1), until you set api_bearer_token"
      : "every client that has the token or a key",
    ...(workers > 1 ? { workers } : {}),
    curl: curlExample(url, models[0] ?? "o1", config.hasRealToken ? "$TOKEN" : PLACEHOLDER_TOKEN),
  };
  if (logFormat(config) === "json") return log.info(`o1-api listens on ${url}`, facts);
  const { url: _, curl, ...shown } = facts;
  const lines = Object.entries(shown).map(([name, value]) => `  ${name.padEnd(7)} ${value}`);
  console.log(`o1-api listens on ${url}\n${lines.join("\n")}\n\nTry it:\n  ${curl}\n`);
}

function baseUrl({ hostname, port }: ListenAddress): string {
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1`;
}

function curlExample(url: string, model: string, token: string): string {
  const messages = [{ role: "user", content: "What is 17 × 23 − 5?" }];
  return `curl -N ${url}/chat/completions -H "Authorization: Bearer ${token}" ` +
    `-H "Content-Type: application/json" -d '${JSON.stringify({ model, stream: true, messages })}'`;
}
