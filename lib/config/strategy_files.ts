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
import { fileProblem, type ReadFile } from "./prompt_files.ts";
import { checkFilePlaceholders } from "./references/placeholders.ts";

const MAX_LENGTH = 1_048_576;

const DEPLOY_MESSAGE =
  "can't be used on Deno Deploy, which runs only the code that was built into a deployment; " +
  "add the strategy to lib/reasoning/strategies/ instead";

/**
 * Reads and loads the strategies of the setting `strategies`: paths by name.
 *
 * @returns the files that were read, by name, and the table of all strategies that could be loaded.
 */
export async function readStrategies(
  paths: Readonly<Record<string, string | undefined>>,
  { configFile, readFile, onDeploy }: { configFile: string; readFile: ReadFile; onDeploy: boolean },
) {
  const files: Record<string, StrategyFile> = {};
  const table: Record<string, StrategyTable[string]> = { ...strategies };
  const faults: Fault[] = [];
  for (const [name, path] of Object.entries(paths)) {
    const report = (message: string) => faults.push({ path: ["strategies", name], message });
    if (path === undefined) continue;
    if (onDeploy) report(DEPLOY_MESSAGE);
    else if (Object.hasOwn(strategies, name) || name === "vote_or_moa") {
      report("is the name of a built-in strategy; choose another");
    } else {
      try {
        const file = await readStrategyFile(path, configFile, readFile);
        files[name] = file;
        const strategy = await loadStrategy(file);
        table[name] = strategy;
        const found = checkFilePlaceholders(strategy, file);
        if (found.length > 0) throw new StrategyFileError(found);
      } catch (error) {
        if (!(error instanceof StrategyFileError)) throw error;
        for (const fault of error.faults) report(`${placeOf(path, fault)}: ${fault.message}`);
      }
    }
  }
  return { files, table, faults };
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
    throw fault(`can't be read ${fileProblem(error)}`);
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

export async function strategyTable(
  files: Readonly<Record<string, StrategyFile>>,
): Promise<StrategyTable> {
  const table: Record<string, StrategyTable[string]> = { ...strategies };
  for (const [name, file] of Object.entries(files)) table[name] = await loadStrategy(file);
  return table;
}
