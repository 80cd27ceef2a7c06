/** Finds and reads the configuration for a command. */
import { dirname } from "node:path";
import { configPath } from "../config/config_path.ts";
import { ConfigError } from "../config/faults/fault.ts";
import { loadConfig } from "../config/load.ts";
import { resolveConfig, type ResolvedConfig } from "../config/resolve.ts";
import type { Config } from "../config/schema/config.ts";
import { strategyTable } from "../config/strategy_files.ts";

/** Flags of a command, and the folder of `main.ts`. */
export interface CommandOptions {
  config?: string | undefined;
  host?: string | undefined;
  port?: string | undefined;
  moduleDir: string | undefined;
}

export type Configuration = Awaited<ReturnType<typeof readConfiguration>>;

export const readVariable = (name: string): string | undefined => Deno.env.get(name);

/** Returns what `work` does. If it throws an error of these kinds, prints it and exits with 1. */
export async function orExit<T>(
  work: () => T | Promise<T>,
  // deno-lint-ignore no-explicit-any -- constructors of all errors
  ...kinds: (new (...args: any[]) => Error)[]
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !kinds.some((kind) => error instanceof kind)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

export function configOrExit(options: CommandOptions): Promise<Configuration> {
  return orExit(() => readConfiguration(options), ConfigError);
}

export async function configFile(
  { config, moduleDir = "." }: Pick<CommandOptions, "config" | "moduleDir">,
): Promise<string> {
  const { standalone } = Deno.build;
  return configPath({
    flag: config,
    home: readVariable("O1_API_HOME"),
    standalone,
    execPath: standalone ? await Deno.realPath(Deno.execPath()) : "",
    moduleDir,
  });
}

/**
 * Reads the configuration, its prompts and its strategies.
 *
 * @param files receives the paths of the files that are read, even of an invalid configuration.
 * @returns also the path of the configuration, even if there is no file and the defaults apply, and
 *   its folder.
 * @throws {ConfigError} with all faults.
 */
export async function readConfiguration(options: CommandOptions, files: string[] = []) {
  const path = await configFile(options);
  const { config, found } = await loadConfig({
    path,
    explicit: options.config !== undefined,
    env: readVariable,
    readFile(file) {
      files.push(file);
      return Deno.readTextFile(file);
    },
  });
  const resolved = await resolveSettings(config);
  return { path, isFound: found, folder: dirname(path), files, config, resolved };
}

/** @throws {ConfigError} as `resolveConfig`. */
export async function resolveSettings(config: Config): Promise<ResolvedConfig> {
  const strategies = await strategyTable(config.strategies);
  return resolveConfig(config, { env: readVariable, strategies });
}
