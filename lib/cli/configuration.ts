/**
 * Finds and reads the configuration for a command.
 *
 * @module
 */
import { dirname } from "node:path";
import { configPath } from "../config/config_path.ts";
import { ConfigError } from "../config/faults/fault.ts";
import { loadConfig } from "../config/load.ts";
import { resolveConfig, type ResolvedConfig } from "../config/resolve.ts";
import type { Config } from "../config/schema/config.ts";
import type { CommandOptions } from "./options.ts";

/** A configuration, and where it came from. */
export interface Configuration {
  /** The file's path; undefined where there is none and the defaults hold. */
  path: string | undefined;
  /** Where the file is, or would be. */
  folder: string;
  /** The files that it was read from, itself and its prompts. */
  files: string[];
  /** The settings. */
  config: Config;
  /** What the server runs on. */
  resolved: ResolvedConfig;
}

/** Reads the configuration; prints its faults and ends the process with 1 where it is wrong. */
export async function configOrExit(options: CommandOptions): Promise<Configuration> {
  try {
    return await readConfiguration(options);
  } catch (error) {
    exitOnConfigError(error);
  }
}

/** Prints the faults of a configuration and ends the process; throws any other error on. */
export function exitOnConfigError(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} with every fault.
 */
export async function readConfiguration(options: CommandOptions): Promise<Configuration> {
  const { standalone } = Deno.build;
  const path = configPath({
    flag: options.config,
    standalone,
    execPath: standalone ? await Deno.realPath(Deno.execPath()) : "",
    moduleDir: options.moduleDir ?? ".",
  });
  const files: string[] = [];
  const { config, found } = await loadConfig({
    path,
    explicit: options.config !== undefined,
    env: (name) => Deno.env.get(name),
    readFile(file) {
      files.push(file);
      return Deno.readTextFile(file);
    },
  });
  const resolved = resolveConfig(config, { env: (name) => Deno.env.get(name) });
  return { path: found ? path : undefined, folder: dirname(path), files, config, resolved };
}
