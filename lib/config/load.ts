/**
 * From the text of config.yaml to a validated configuration.
 *
 * @module
 */
import { crossCheck } from "./faults/checks.ts";
import { type Env, holdsReference, prepare } from "./environment.ts";
import {
  ConfigError,
  type ConfigFault,
  type Fault,
  isAtOrBelow,
  printPath,
} from "./faults/fault.ts";
import { READ_ONCE, schemaFaults } from "./faults/schema_faults.ts";
import { type ReadFile, readPrompts, reason } from "./prompt_files.ts";
import { type Config, configSchema } from "./schema/config.ts";
import { openSource, type Source } from "./faults/yaml_position.ts";
import { readYaml } from "./yaml.ts";

/** What a configuration is read with. */
export interface ParseConfigOptions {
  /** Variables of the environment. */
  env: Env;
  /** The file's path: named in errors; prompts are relative to its folder. */
  file: string;
  /** Reads prompts. */
  readFile: ReadFile;
  /** Milliseconds since 1970, to tell which keys have expired; default: the machine's. */
  date?: number;
}

/** Where a configuration is loaded from. */
export interface LoadConfigOptions {
  /** The file's path. */
  path: string;
  /** Whether someone asked for this very file, so that it has to be there. */
  explicit: boolean;
  /** Variables of the environment. */
  env: Env;
  /** Reads the file and its prompts. */
  readFile: ReadFile;
}

/** A configuration and whether a file holds it. */
export interface LoadedConfig {
  /** The settings. */
  config: Config;
  /** Whether there is a file; without one these are the defaults, over the demo model. */
  found: boolean;
}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} with every fault of the file, or when it can't be read.
 */
export async function loadConfig(
  options: LoadConfigOptions,
): Promise<LoadedConfig> {
  const { path, explicit, env, readFile } = options;
  let text = "";
  let found = true;
  try {
    text = await readFile(path);
  } catch (error) {
    if (explicit || !(error instanceof Deno.errors.NotFound)) {
      const message = `can't read the configuration (${reason(error)}); ` +
        "create the file, or give another with --config PATH";
      throw new ConfigError([{ path: "", message }], path);
    }
    found = false;
  }
  return {
    config: await parseConfig(text, { env, file: path, readFile }),
    found,
  };
}

/**
 * Validates the text of a configuration; an empty one gives the defaults.
 *
 * @throws {ConfigError} with every fault.
 */
export async function parseConfig(
  text: string,
  options: ParseConfigOptions,
): Promise<Config> {
  // The mark would shift the columns of the first line.
  const yaml = text.replace(/^\ufeff/, "");
  const reading = await readYaml(yaml);
  // Only another parser knows quoted from plain; it takes time to load, and most files need none.
  const source = holdsReference(reading.value) ? await openSource(yaml) : undefined;
  const { value = {}, faults } = prepare(reading.value, {
    env: options.env,
    isPlain: (path) => source?.isPlain(path) ?? false,
  });
  const all = [
    ...reading.faults,
    ...faults,
    ...await valueFaults(value, faults, options),
  ];
  if (all.length > 0) {
    throw new ConfigError(await withLines(all, yaml, source), options.file);
  }
  // Every prompt that was a file is a text by now.
  return configSchema.parse(value, READ_ONCE) as Config;
}

/** Validates a value and reads its prompts. */
async function valueFaults(
  value: unknown,
  known: readonly Fault[],
  options: ParseConfigOptions,
): Promise<Fault[]> {
  if (typeof value !== "object" || Array.isArray(value)) {
    return [{
      path: [],
      message: "expected settings such as 'default_model: NAME', one a line",
    }];
  }
  // What could not be replaced has been reported, and nothing is known of its type.
  const isNew = ({ path }: Fault) => !known.some((fault) => isAtOrBelow(fault.path, path));
  const found = [
    ...schemaFaults(configSchema, value, []),
    ...crossCheck(value, options.date ?? Date.now()),
  ];
  const unread = await readPrompts(value, options.file, options.readFile);
  return [...found, ...unread].filter(isNew);
}

/** Says where each fault is, in the order of the file. */
async function withLines(
  faults: readonly Fault[],
  yaml: string,
  opened: Source | undefined,
): Promise<ConfigFault[]> {
  const source = opened ?? await openSource(yaml);
  return faults
    .map(({ path, at, line, column, message }) => ({
      path: printPath(path),
      ...(line === undefined || column === undefined
        ? source.locate(at ?? path)
        : { line, column }),
      message,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
