/**
 * Where models are asked: those of the configuration, in this process, or any OpenAI-compatible
 * server.
 *
 * @module
 */
import type { ResolvedConfig } from "../config/resolve.ts";
import { createApp } from "../server/app.ts";
import type { Log } from "../server/telemetry/log.ts";
import type { Fetch } from "../upstream/attempt.ts";
import type { Clock } from "../clock.ts";
import type { AskOptions } from "./ask/ask.ts";

/** A place to ask. */
export type Target = Pick<AskOptions, "baseUrl" | "apiKey" | "send" | "attempts">;

/** What the configured models need from outside. */
export interface ConfiguredOptions {
  /** The configuration. */
  config: ResolvedConfig;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** How upstream requests are sent. */
  fetch: Fetch;
}

/** What this process says to itself; nobody else can connect. */
const TOKEN = "eval";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * The configured models, asked through the server's own handler without a socket. Reasoning goes
 * into fields of its own and status lines are left out, so that the answer is the answer alone
 * and the first reasoning token is one of thinking. The server repeats upstream calls by itself.
 */
export function configuredTarget(options: ConfiguredOptions): Target {
  const { config } = options;
  const app = createApp({
    ...options,
    log: silent,
    config: {
      ...config,
      server: { ...config.server, strict_openai: false },
      // The limits are the clients'; who compares models is none of them.
      token: TOKEN,
      tokenIsPlaceholder: false,
      hasRealToken: true,
      keys: [],
      limits: {},
      statusLines: false,
      models: config.models.map((model) => ({
        reasoning: { ...model.reasoning, statusLines: false },
        format: "both",
      })),
    },
  });
  return {
    baseUrl: "http://localhost/v1",
    apiKey: TOKEN,
    send: (request) => app.handle(request),
    attempts: 1,
  };
}

/** A server elsewhere; failures that may pass are tried again. */
export function remoteTarget(baseUrl: string, apiKey: string | undefined): Target {
  return { baseUrl, apiKey, send: (request) => fetch(request), attempts: 5 };
}
