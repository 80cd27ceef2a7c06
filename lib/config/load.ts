import { type Env, hasReference, prepare } from "./environment.ts";
import { ConfigError, type ConfigFault, type Fault, type Path, printPath } from "./faults/fault.ts";
import { validate } from "./faults/validate.ts";
import { openSource, type Source } from "./faults/yaml_position.ts";
import { fileErrorReason, type ReadFile, readPrompts } from "./prompt_files.ts";
import { checkReferences } from "./references/config.ts";
import { lenientConfig } from "./references/lenient.ts";
import { checkPlaceholders } from "./references/placeholders.ts";
import { isDeploy } from "./resolve.ts";
import { readStoreCa } from "./store_ca.ts";
import { readStrategies } from "./strategy_files.ts";
import { type Config, configSchema } from "./schema/config.ts";
import { readYaml } from "./yaml.ts";

export interface ParseConfigOptions {
  env: Env;
  /** Path of the file, for errors and relative paths of other files. */
  file: string;
  /** Reads prompts, strategies and certificates. */
  readFile: ReadFile;
}

export interface LoadConfigOptions extends Omit<ParseConfigOptions, "file"> {
  path: string;
  /** Whether the user asked for this file, so that it must exist. */
  explicit: boolean;
}

/**
 * Loads the configuration. Without a file, `found` is false and every setting has its default.
 *
 * @throws {ConfigError} with every fault of the file, or if it can't be read.
 */
export async function loadConfig(
  { path, explicit, env, readFile }: LoadConfigOptions,
): Promise<{ config: Config; found: boolean }> {
  let text = "";
  let found = true;
  try {
    text = await readFile(path);
  } catch (error) {
    if (explicit || !(error instanceof Deno.errors.NotFound)) {
      const message = `can't read the configuration (${fileErrorReason(error)}); ` +
        "create the file, or choose another with --config PATH";
      throw new ConfigError([{ path: "", message }], path);
    }
    found = false;
  }
  return { config: await parseConfig(text, { env, file: path, readFile }), found };
}

/**
 * Parses and validates the text of a configuration.
 *
 * @throws {ConfigError} with every fault.
 */
export async function parseConfig(text: string, options: ParseConfigOptions): Promise<Config> {
  // A byte order mark would shift the columns of the first line.
  const yaml = text.replace(/^\ufeff/, "");
  const parsed = await readYaml(yaml);
  // Only the large parser distinguishes quoted from plain scalars. Most files don't need it.
  const source = hasReference(parsed.value) ? await openSource(yaml) : undefined;
  const prepared = prepare(parsed.value, {
    env: options.env,
    isPlain: (path) => source?.isPlain(path) ?? false,
  });
  const { data, faults } = await validateConfig(prepared.value ?? {}, options);
  // A value with an unresolved variable has its fault already, and its type is unknown.
  const isNew = ({ path }: Fault) =>
    !prepared.faults.some((fault) => isAtOrBelow(fault.path, path));
  const all = [...parsed.faults, ...prepared.faults, ...faults.filter(isNew)];
  if (all.length > 0) {
    throw new ConfigError(withLines(all, source ?? await openSource(yaml)), options.file);
  }
  return data!;
}

/** Validates a value and reads its files. `data` is undefined if the value is invalid. */
async function validateConfig(
  value: unknown,
  { env, file, readFile }: ParseConfigOptions,
): Promise<{ data: Config | undefined; faults: Fault[] }> {
  if (typeof value !== "object" || Array.isArray(value)) {
    const message = "expected settings such as 'default_model: NAME', one per line";
    return { data: undefined, faults: [{ path: [], message }] };
  }
  const { data, faults } = validate(configSchema, value);
  const lenient = lenientConfig.parse(value);
  const options = { configFile: file, readFile, onDeploy: isDeploy(env) };
  const loaded = await readStrategies(lenient.strategies, options);
  faults.push(...loaded.faults, ...checkReferences(lenient, loaded.table));
  const models = data?.models ?? lenient.models;
  faults.push(...await readPrompts(models, file, readFile));
  faults.push(...checkPlaceholders(models, loaded.table));
  const { text, faults: caFaults } = await readStoreCa(lenient, options);
  faults.push(...caFaults);
  // All prompts have been replaced by texts.
  const config = data && {
    ...data as unknown as Config,
    strategies: loaded.files,
    store_ca_file: text,
  };
  return { data: config, faults };
}

/** Returns true if the second path is the first or lies below it. */
function isAtOrBelow(path: Path, other: Path): boolean {
  return path.every((segment, index) => segment === other[index]);
}

/** Adds each fault's position and sorts the faults by it. */
function withLines(faults: readonly Fault[], source: Source): ConfigFault[] {
  return faults
    .map(({ path, at, line, column, message }) => ({
      path: printPath(path),
      ...(line === undefined || column === undefined
        ? source.locate(at === undefined ? path : [...path.slice(0, -1), ...at])
        : { line, column }),
      message,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
