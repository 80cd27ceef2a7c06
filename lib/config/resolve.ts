/**
 * From a validated configuration to what the server runs on.
 *
 * @module
 */
import type { Env } from "./environment.ts";
import { ConfigError } from "./faults/fault.ts";
import { type KeyConfig, keyOf, type LimitsConfig } from "./schema/keys.ts";
import { type PublishedModel, publishedModels } from "./published_models.ts";
import type { Config } from "./schema/config.ts";
import { tokenFault } from "./schema/text_rules.ts";

/** The token of the shipped file, which counts as none. */
export const PLACEHOLDER_TOKEN = "your_api_bearer_token_here";

/** The variable that overrides the file's token. */
const TOKEN_VARIABLE = "O1_API_TOKEN";

/** The server's settings, with those that depend on where it runs. */
export type ServerSettings =
  & Omit<Config["server"], "host" | "port" | "heartbeat_ms" | "json_heartbeat">
  & {
    /** Longest silence in a stream before a comment is sent, in milliseconds. */
    heartbeat_ms: number;
    /** Whether a long JSON answer is preceded by spaces. */
    json_heartbeat: boolean;
  };

/** What the server runs on. */
export interface ResolvedConfig {
  /** The server's settings. */
  server: ServerSettings;
  /** The clients' own keys. */
  keys: KeyConfig[];
  /** Limits of all clients together. */
  limits: LimitsConfig;
  /** What clients have to send; undefined where none is set. May be the placeholder. */
  token: string | undefined;
  /** What keys for sealing are made from. */
  secret: string;
  /** Whether the token is the shipped file's, which everyone knows. */
  tokenIsPlaceholder: boolean;
  /** Whether a token or key is set that others don't know, so that other machines may connect. */
  hasRealToken: boolean;
  /** The models, in the order of the file; the first is the default. */
  models: PublishedModel[];
  /** Whether status lines are shown. */
  statusLines: boolean;
  /** Where what outlives a request is kept. */
  store: string;
  /** How long, in milliseconds. */
  storeTtlMs: number;
  /** What is logged, and how. */
  log: Config["log"];
  /** What is counted and measured, and where it is shown; the port is 0 on Deno Deploy. */
  metrics: Config["metrics"];
  /** What spans hold. */
  traces: Config["traces"];
}

/** Whether this is Deno Deploy, which ends silent streams early and gives little time at the end. */
export function isDeploy(env: Env): boolean {
  return ["true", "1"].includes(env("DENO_DEPLOY") ?? "") ||
    Boolean(env("DENO_DEPLOYMENT_ID"));
}

/**
 * Works out what the server runs on.
 *
 * @throws {ConfigError} when the variable O1_API_TOKEN can't be a token.
 */
export function resolveConfig(
  config: Config,
  options: { env: Env },
): ResolvedConfig {
  const token = bearerToken(config, options.env);
  const tokenIsPlaceholder = token === PLACEHOLDER_TOKEN;
  const onDeploy = isDeploy(options.env);
  return {
    server: serverSettings(config, onDeploy),
    token,
    secret: config.secret || secretOf(token, config),
    tokenIsPlaceholder,
    hasRealToken: (token !== undefined && !tokenIsPlaceholder) || config.keys.length > 0,
    keys: config.keys.map(keyOf),
    limits: config.limits,
    models: publishedModels(config),
    statusLines: config.stream_status_feedback,
    store: config.store,
    storeTtlMs: config.store_ttl_days * 86_400_000,
    log: config.log,
    metrics: onDeploy ? { ...config.metrics, port: 0 } : config.metrics,
    traces: config.traces,
  };
}

/** What others can't know: the token, or else all keys together, of which a client has but one. */
function secretOf(token: string | undefined, { keys }: Config): string {
  if (token !== undefined && token !== PLACEHOLDER_TOKEN) return token;
  return keys.length > 0 ? keys.map(({ sha256 }) => sha256).join() : PLACEHOLDER_TOKEN;
}

function bearerToken(config: Config, env: Env): string | undefined {
  const override = env(TOKEN_VARIABLE) || undefined;
  const message = override === undefined ? undefined : tokenFault(override);
  if (message !== undefined) {
    throw new ConfigError([{ path: TOKEN_VARIABLE, message }]);
  }
  return override ?? (config.api_bearer_token || undefined);
}

function serverSettings(config: Config, onDeploy: boolean): ServerSettings {
  const { host: _host, port: _port, ...server } = config.server;
  return {
    ...server,
    heartbeat_ms: server.heartbeat_ms ?? (onDeploy ? 4_000 : 10_000),
    json_heartbeat: server.json_heartbeat ?? onDeploy,
    shutdown_grace_ms: onDeploy
      ? Math.min(server.shutdown_grace_ms, 4_000)
      : server.shutdown_grace_ms,
  };
}
