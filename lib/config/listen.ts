import { resolveDefaults } from "./defaults.ts";
import type { Env } from "./environment.ts";
import { ConfigError, type ConfigFault } from "./faults/fault.ts";
import type { Config } from "./schema/config.ts";
import { HOST_MESSAGE, HOST_REGEXP } from "./schema/text.ts";

export interface ListenInput {
  config: Config;
  /** `--host` and `--port`. */
  flags: { host?: string | undefined; port?: string | undefined };
  env: Env;
  /** Whether a token or key is set that is not public. */
  hasRealToken: boolean;
  onDeploy: boolean;
}

export type ListenAddress = ReturnType<typeof listenOptions>;

/**
 * Returns the address to listen on. Flags override HOST and PORT, which override the file.
 *
 * @throws {ConfigError} if a flag or variable is invalid.
 */
export function listenOptions(input: ListenInput) {
  const { config, flags, env, hasRealToken, onDeploy } = input;
  // An empty variable counts as not set; an empty flag is an error.
  const host = flags.host ?? (env("HOST") || undefined);
  const port = flags.port ?? (env("PORT") || undefined);
  const faults: ConfigFault[] = [];
  if (host !== undefined && !HOST_REGEXP.test(host)) {
    const path = flags.host === undefined ? "HOST" : "--host";
    faults.push({ path, message: HOST_MESSAGE });
  }
  if (port !== undefined && !isPort(port)) {
    const path = flags.port === undefined ? "PORT" : "--port";
    faults.push({ path, message: "expected a whole number from 0 to 65535" });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  // Deno Deploy serves nothing that listens on loopback.
  const fallback = onDeploy ? "0.0.0.0" : "127.0.0.1";
  return {
    hostname: hasRealToken ? host ?? config.server.host : fallback,
    /** 0 picks a free port. */
    port: port === undefined ? config.server.port : Number(port),
    /** Whether the host is 127.0.0.1 because no real token is set. */
    loopbackOnly: !hasRealToken && !onDeploy,
  };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** Returns a warning for each upstream whose base URL is the address of the server itself. */
export function loopWarnings(config: Config, { hostname, port }: ListenAddress): string[] {
  return [...resolveDefaults(config).baseUrls].flatMap(([name, baseUrl]) => {
    const url = URL.parse(baseUrl);
    const isOwn = url?.protocol === "http:" && Number(url.port || 80) === port &&
      (LOOPBACK_REGEXP.test(url.hostname) || url.hostname === hostname);
    return isOwn
      ? [
        `The base URL of the upstream "${name}" leads back to this server: requests to its models end in a loop and get 508`,
      ]
      : [];
  });
}

/** Host of a parsed URL that is this machine. */
const LOOPBACK_REGEXP = /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/;
