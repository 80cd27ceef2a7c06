import { DAY_MS } from "../clock.ts";
import { toolKinds } from "../tools/mod.ts";
import type { Env } from "./environment.ts";
import { strategies as builtIn } from "../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import { ConfigError } from "./faults/fault.ts";
import { publishedModels } from "./published_models.ts";
import { type Config, MAX_SHUTDOWN_DELAY_MS } from "./schema/config.ts";
import { resolveKey } from "./schema/keys.ts";
import { TOKEN_MESSAGE, TOKEN_REGEXP } from "./schema/text.ts";

/** The token of the shipped file, which is public. */
export const PLACEHOLDER_TOKEN = "your_api_bearer_token_here";

/** Environment variable that overrides `api_bearer_token`. */
const TOKEN_VARIABLE = "O1_API_TOKEN";

/** Environment variable with the default of `server.shutdown_delay_ms`. */
const DELAY_VARIABLE = "O1_API_SHUTDOWN_DELAY_MS";

/** Settings of `server`, with those whose defaults depend on the platform. */
export type ServerSettings = ReturnType<typeof serverSettings>;

/** The configuration with defaults and environment variables applied, as the server uses it. */
export type ResolvedConfig = ReturnType<typeof resolveConfig>;

/** Deno Deploy ends silent streams early and allows little time at shutdown. */
export function isDeploy(env: Env): boolean {
  return ["true", "1"].includes(env("DENO_DEPLOY") ?? "") || Boolean(env("DENO_DEPLOYMENT_ID"));
}

export interface ResolveOptions {
  env: Env;
  /** As `strategyTable` returns it. Default: the built-in ones; the configuration names no others. */
  strategies?: StrategyTable;
}

/** @throws {ConfigError} if an environment variable is invalid, or a tool can't run here. */
export function resolveConfig(config: Config, { env, strategies = builtIn }: ResolveOptions) {
  const { limits, log, traces, keys } = config;
  const token = bearerToken(config, env);
  const hasToken = token !== undefined && token !== PLACEHOLDER_TOKEN;
  // Without a token, all hashes together: each client only knows its own key.
  const hashes = keys.map(({ sha256 }) => sha256).join();
  const onDeploy = isDeploy(env);
  return {
    server: serverSettings(config, env, onDeploy),
    /** Token that clients send; may be the placeholder. */
    token,
    /** Secret that keys for encryption are derived from. */
    secret: config.secret || (hasToken ? token : hashes || PLACEHOLDER_TOKEN),
    /** Whether a token or key is set that is not public, so that other machines may connect. */
    hasRealToken: hasToken || keys.length > 0,
    keys: keys.map(resolveKey),
    limits,
    /** In the order of the file; the first one is the default. */
    models: publishedModels(config, strategies),
    /** Built-in strategies and those of files. */
    strategies,
    storeTtlMs: config.store_ttl_days * DAY_MS,
    log,
    metrics: onDeploy ? { ...config.metrics, port: 0 } : config.metrics,
    traces,
    /** Validated settings of each kind of tool that a model has. */
    tools: toolSettings(config, onDeploy),
    onDeploy,
  };
}

/**
 * The references schema has checked that a kind without settings needs none.
 *
 * @throws {ConfigError} if a tool can't run here.
 */
function toolSettings(
  { models, tools }: Config,
  onDeploy: boolean,
): Map<string, Record<string, unknown>> {
  const settings = new Map<string, Record<string, unknown>>();
  for (const [id, { tools: kinds }] of Object.entries(models)) {
    for (const kind of kinds) {
      const { options, fault } = toolKinds[kind]!;
      const own = options.parse(tools[kind] ?? {});
      const reason = fault?.({ onDeploy }, own);
      if (reason !== undefined) {
        const message = `the tool '${kind}' can't run here: ${reason}`;
        throw new ConfigError([{ path: `models.${id}.tools`, message }]);
      }
      settings.set(kind, own);
    }
  }
  return settings;
}

function bearerToken(config: Config, env: Env): string | undefined {
  const override = env(TOKEN_VARIABLE) || undefined;
  if (override !== undefined && !TOKEN_REGEXP.test(override)) {
    throw new ConfigError([{ path: TOKEN_VARIABLE, message: TOKEN_MESSAGE }]);
  }
  return override ?? (config.api_bearer_token || undefined);
}

function serverSettings(config: Config, env: Env, onDeploy: boolean) {
  const { host: _host, port: _port, shutdown_grace_ms: graceMs, ...server } = config.server;
  return {
    ...server,
    heartbeat_ms: server.heartbeat_ms ?? (onDeploy ? 4_000 : 10_000),
    json_heartbeat: server.json_heartbeat ?? onDeploy,
    shutdown_delay_ms: onDeploy ? 0 : server.shutdown_delay_ms ?? defaultDelay(env),
    shutdown_grace_ms: onDeploy ? Math.min(graceMs, 4_000) : graceMs,
  };
}

function defaultDelay(env: Env): number {
  const text = env(DELAY_VARIABLE) || "0";
  const delayMs = Number(text);
  if (/^\d+$/.test(text) && delayMs <= MAX_SHUTDOWN_DELAY_MS) return delayMs;
  const message = `expected a whole number from 0 to ${MAX_SHUTDOWN_DELAY_MS}`;
  throw new ConfigError([{ path: DELAY_VARIABLE, message }]);
}
