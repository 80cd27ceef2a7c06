/**
 * The address that the server listens on.
 *
 * @module
 */
import type { Env } from "./environment.ts";
import { ConfigError, type ConfigFault } from "./faults/fault.ts";
import type { Config } from "./schema/config.ts";
import { HOST_REGEXP } from "./schema/text_rules.ts";

/** What the address depends on. */
export interface ListenInput {
  /** The configuration. */
  config: Config;
  /** The command line's `--host` and `--port`, where they were given. */
  flags: {
    /** A host name or IP address. */
    host?: string | undefined;
    /** A port, 0 to 65535. */
    port?: string | undefined;
  };
  /** Variables of the environment: HOST and PORT. */
  env: Env;
  /** Whether a token is set that others don't know. */
  hasRealToken: boolean;
  /** Whether this is Deno Deploy, where nothing can be reached on loopback. */
  onDeploy: boolean;
}

/** Where to listen. */
export interface ListenAddress {
  /** Host name or IP address. */
  hostname: string;
  /** Port; 0: any free one. */
  port: number;
  /** Whether it is 127.0.0.1, whatever was asked for, for want of a real token. */
  loopbackOnly: boolean;
}

/**
 * Works out where to listen: flags before variables before the file.
 *
 * @throws {ConfigError} naming the flag or variable that can't be used.
 */
export function listenOptions(input: ListenInput): ListenAddress {
  const { config, flags, env, hasRealToken, onDeploy } = input;
  // An empty variable counts as left out; an empty flag is a mistake.
  const host = flags.host ?? (env("HOST") || undefined);
  const port = flags.port ?? (env("PORT") || undefined);
  const faults: ConfigFault[] = [];
  if (host !== undefined && !HOST_REGEXP.test(host)) {
    faults.push({
      path: flags.host === undefined ? "HOST" : "--host",
      message: "expected a host name or an IP address, without a port",
    });
  }
  if (port !== undefined && !isPort(port)) {
    faults.push({
      path: flags.port === undefined ? "PORT" : "--port",
      message: "expected a whole number from 0 to 65535",
    });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  const loopbackOnly = !hasRealToken && !onDeploy;
  return {
    hostname: hasRealToken ? host ?? config.server.host : onDeploy ? "0.0.0.0" : "127.0.0.1",
    port: port === undefined ? config.server.port : Number(port),
    loopbackOnly,
  };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
