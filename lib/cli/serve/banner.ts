/**
 * What the program says once it listens.
 *
 * @module
 */
import type { ListenAddress } from "../../config/listen.ts";
import { PLACEHOLDER_TOKEN, type ResolvedConfig } from "../../config/resolve.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { logFormat } from "../log.ts";

/** What is said. */
export interface Announcement {
  /** What the server runs on. */
  config: ResolvedConfig;
  /** Where it listens, with the port that it got. */
  address: ListenAddress;
  /** The configuration's path; undefined where there is none. */
  path: string | undefined;
  /** Event loops. */
  workers: number;
}

/** Says it: to people as a banner, to programs as a line of the log. */
export function announce(announcement: Announcement, log: Log): void {
  const facts = startupFacts(announcement);
  const { workers } = announcement;
  if (logFormat(announcement.config) === "text") console.log(banner(facts, workers));
  else {
    log.info(`o1-api listens on ${facts.url}`, workers > 1 ? { ...facts, workers } : facts);
  }
}

/** What a newcomer needs: where it is, what it serves, and the line to try. */
function startupFacts(
  { config, address: { hostname, port, loopbackOnly }, path }: Announcement,
): Record<"url" | "config" | "models" | "access" | "curl", string> {
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1`;
  const token = config.hasRealToken ? "$TOKEN" : PLACEHOLDER_TOKEN;
  const model = config.models[0]?.reasoning.id ?? "o1";
  const messages = [{ role: "user", content: "What is 17 × 23 − 5?" }];
  const body = JSON.stringify({ model, stream: true, messages });
  return {
    url,
    config: path ?? "none found: the defaults, over the built-in demo model",
    models: config.models.map((each) => each.reasoning.id).join(", "),
    access: loopbackOnly
      ? "this machine only (127.0.0.1), until api_bearer_token is a token of your own"
      : "every client that has the token or a key",
    curl: `curl -N ${url}/chat/completions -H "Authorization: Bearer ${token}" ` +
      `-H "Content-Type: application/json" -d '${body}'`,
  };
}

function banner(facts: ReturnType<typeof startupFacts>, workers: number): string {
  const { url, config, models, access, curl } = facts;
  return `o1-api listens on ${url}
  config  ${config}
  models  ${models}
  access  ${access}${workers > 1 ? `\n  workers ${workers}` : ""}

Try it:
  ${curl}
`;
}
