/**
 * The commands of deno in the tasks and in the scripts that can be run by themselves.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import denoJson from "../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../", import.meta.url));

export interface Command {
  /** The name of a task, or the path of a script. */
  name: string;
  command: string;
}

/** Paths of the scripts that name their own interpreter, relative to the root of the project. */
export const SCRIPTS: readonly string[] = ["scripts", "tests"].flatMap(scriptsBelow).sort();

function scriptsBelow(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return name === "node_modules" ? [] : scriptsBelow(path);
    return /\.(?:ts|sh)$/.test(name) && read(path).startsWith("#!") ? [path] : [];
  });
}

function read(path: string): string {
  return Deno.readTextFileSync(ROOT + path);
}

/** Returns the first line of a TypeScript file, or all lines of a shell script. */
function commandsOf(path: string): string[] {
  const text = read(path);
  if (path.endsWith(".ts")) return [text.split("\n")[0]!.replace("#!/usr/bin/env -S ", "")];
  return text.replaceAll("\\\n", "").split("\n").map((line) => line.replace(/^exec /, ""));
}

const TASKS = Object.entries<string>(denoJson.tasks).flatMap(([name, command]) =>
  command.split(/ && | \| /).map((part) => ({ name, command: part }))
);

export const COMMANDS: readonly Command[] = [
  ...TASKS,
  ...SCRIPTS.flatMap((name) => commandsOf(name).map((command) => ({ name, command }))),
].filter(({ command }) => /^(?:DENO_JOBS=\d+ )?deno /.test(command));
