/**
 * Puts a changed configuration in the place of the old one, while the server runs.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../../config/faults/fault.ts";
import { type ListenAddress, listenOptions } from "../../config/listen.ts";
import { isDeploy, type ResolvedConfig } from "../../config/resolve.ts";
import { watchConfig } from "../../config/watch.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { systemClock } from "../../clock.ts";
import { type Configuration, readConfiguration } from "../configuration.ts";
import type { CommandOptions } from "../options.ts";
import type { Served } from "../served.ts";

/** What is reloaded. */
export interface ReloadOptions {
  /** What the command was told. */
  options: CommandOptions;
  /** The configuration that runs. */
  configuration: Configuration;
  /** Where the server listens. */
  address: ListenAddress;
  /** Takes the new configuration. */
  served: Pick<Served, "reload">;
  /** Where it is said. */
  log: Log;
}

/** Settings that a running server can't change. */
const FIXED: readonly (readonly [name: string, of: (config: ResolvedConfig) => unknown])[] = [
  ["store", ({ store }) => store],
  ["store_ttl_days", ({ storeTtlMs }) => storeTtlMs],
  ["metrics", ({ metrics }) => metrics],
  ["log", ({ log }) => log],
  ["server.max_background", ({ server }) => server.max_background],
  ["server.workers", ({ server }) => server.workers],
  ["server.shutdown_grace_ms", ({ server }) => server.shutdown_grace_ms],
];

/**
 * Reloads at a change of the file, and at SIGHUP even without one. A configuration with faults
 * is logged and ignored.
 *
 * @returns ends it.
 */
export function reloadOnChange(
  { options, configuration, address, served, log }: ReloadOptions,
): () => void {
  let { files, resolved } = configuration;
  const first = resolved;
  let last = textOf(configuration);
  let reading = Promise.resolve();

  async function reload(always: boolean): Promise<void> {
    let next: Configuration;
    try {
      next = await readConfiguration(options);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return log.error("The configuration was not reloaded: it has faults.", {
        faults: error.message,
      });
    }
    files = next.files;
    const text = textOf(next);
    if (text === last && !always) return;
    last = text;
    const refusal = whyNot(next, options, address);
    if (refusal !== undefined) return log.error(`The configuration was not reloaded: ${refusal}`);
    resolved = next.resolved;
    await served.reload(next);
    const unchanged = FIXED.filter(([, of]) => !isSame(of(first), of(next.resolved)));
    log.info("The configuration was reloaded.", {
      models: resolved.models.map(({ reasoning: { id } }) => id).join(", "),
    });
    if (unchanged.length > 0) {
      const names = unchanged.map(([name]) => name).join(", ");
      log.warn(`A change of these takes effect at the next start: ${names}.`);
    }
  }

  // One after the other, so that the newest one wins.
  const again = (always: boolean) => {
    reading = reading.then(() => reload(always)).catch((error) => {
      log.error("The configuration could not be reloaded.", { cause: String(error) });
    });
  };
  const onHangUp = () => again(true);
  Deno.addSignalListener("SIGHUP", onHangUp);
  const stop = watch(
    join(configuration.folder, "config.yaml"),
    () => files,
    () => again(false),
    log,
  );
  return () => {
    Deno.removeSignalListener("SIGHUP", onHangUp);
    stop();
  };
}

function watch(
  path: string,
  files: () => Iterable<string>,
  onChange: () => void,
  log: Log,
): () => void {
  try {
    return watchConfig({ path, files, onChange, clock: systemClock });
  } catch (error) {
    log.warn("The folder of the configuration can't be watched; SIGHUP reloads it.", {
      cause: String(error),
    });
    return () => {};
  }
}

/** Why a configuration, although it is valid, can't be served where the server listens. */
function whyNot(
  { config, resolved: { hasRealToken } }: Configuration,
  { host, port }: CommandOptions,
  address: ListenAddress,
): string | undefined {
  const env = (name: string) => Deno.env.get(name);
  const flags = { host, port };
  const wanted = listenOptions({ config, flags, env, hasRealToken, onDeploy: isDeploy(env) });
  if (wanted.loopbackOnly && !address.loopbackOnly) {
    return "it has no token of its own, and this server can be reached from elsewhere.";
  }
  return undefined;
}

/** What two readings are compared by. */
function textOf({ config }: Configuration): string {
  return JSON.stringify(config);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
