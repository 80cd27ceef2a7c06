import { dirname, resolve } from "node:path";
import {
  type FileFault,
  loadStrategy,
  type StrategyFile,
  StrategyFileError,
  toJavaScript,
} from "../reasoning/files/load.ts";
import { strategies } from "../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import type { Fault } from "./faults/fault.ts";
import { fileErrorReason, type ReadFile } from "./prompt_files.ts";

const MAX_LENGTH = 1_048_576;

const DEPLOY_MESSAGE =
  "can't be used on Deno Deploy, which runs only the code that was built into a deployment; " +
  "add the strategy to lib/reasoning/strategies/ instead";

/** The strategies of a configuration that may be invalid. */
export interface ReadStrategies {
  /** The files that were read, by the names of their strategies. */
  files: Record<string, StrategyFile>;
  /** Without the strategies that could not be loaded. */
  table: StrategyTable;
  faults: Fault[];
}

export interface ReadStrategiesOptions {
  configFile: string;
  readFile: ReadFile;
  onDeploy: boolean;
}

/** Reads and loads the strategies of the setting `strategies`: paths by name. */
export async function readStrategies(
  paths: Readonly<Record<string, string | undefined>>,
  { configFile, readFile, onDeploy }: ReadStrategiesOptions,
): Promise<ReadStrategies> {
  const out: ReadStrategies = { files: {}, table: strategies, faults: [] };
  for (const [name, path] of Object.entries(paths)) {
    const report = (message: string) => out.faults.push({ path: ["strategies", name], message });
    if (path === undefined) continue;
    if (onDeploy) {
      report(DEPLOY_MESSAGE);
    } else if (Object.hasOwn(strategies, name) || name === "vote_or_moa") {
      report("is the name of a built-in strategy; choose another");
    } else {
      try {
        const file = await readStrategyFile(path, configFile, readFile);
        out.files[name] = file;
        out.table = { ...out.table, [name]: await loadStrategy(file) };
      } catch (error) {
        if (!(error instanceof StrategyFileError)) throw error;
        for (const fault of error.faults) report(`${placeOf(path, fault)}: ${fault.message}`);
      }
    }
  }
  return out;
}

/** @throws {StrategyFileError} if it can't be read. */
async function readStrategyFile(
  path: string,
  configFile: string,
  readFile: ReadFile,
): Promise<StrategyFile> {
  if (!/\.m?[jt]s$/.test(path)) throw fault("expected a file that ends in .ts or .js");
  let text: string;
  try {
    text = await readFile(resolve(dirname(configFile), path));
  } catch (error) {
    throw fault(
      `can't be read (${fileErrorReason(error)}); ` +
        "create it, or correct the path, which is relative to the config file",
    );
  }
  if (text.length > MAX_LENGTH) throw fault(`is longer than ${MAX_LENGTH} characters`);
  return { path, code: await toJavaScript(path, text.replace(/^\ufeff/, "")) };
}

function fault(message: string): StrategyFileError {
  return new StrategyFileError([{ message }]);
}

function placeOf(path: string, { line, column }: FileFault): string {
  return line === undefined ? path : `${path}:${line}:${column}`;
}

/** Returns the built-in strategies and those of files that were read. */
export async function strategyTable(
  files: Readonly<Record<string, StrategyFile>>,
): Promise<StrategyTable> {
  const table: Record<string, StrategyTable[string]> = { ...strategies };
  for (const [name, file] of Object.entries(files)) table[name] = await loadStrategy(file);
  return table;
}
