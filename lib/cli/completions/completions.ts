/**
 * `o1-api completions`: scripts that complete this program's words, made from the table of
 * commands.
 *
 * @module
 */
import { suggestion } from "../../config/faults/suggestion.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { zshScript } from "./zsh.ts";
import { COMMANDS } from "../commands.ts";
import { readConfiguration } from "../configuration.ts";
import { parseFlags, UsageError } from "../flags.ts";

const SCRIPTS: Readonly<Record<(typeof COMMANDS.completions.words)[number], () => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * Runs the command. `completions models -- WORDS`, which the scripts call, prints the models' ids
 * instead, a line each, by the configuration that the words name.
 *
 * @param args what follows the command.
 * @param moduleDir the folder of the program's own files.
 * @returns "help" where help is asked for.
 * @throws {UsageError} for wrong arguments.
 */
export async function completions(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<"help" | void> {
  if (args[0] === "models" && args[1] === "--") return await printModels(args.slice(2), moduleDir);
  const { words: [shell, extra], has } = parseFlags("completions", args);
  if (has("help")) return "help";
  if (shell === undefined) throw wrong("Which shell? There are: bash, zsh, fish");
  if (extra !== undefined) throw wrong(`Unexpected argument '${extra}'`);
  const script = Object.entries(SCRIPTS).find(([name]) => name === shell)?.[1];
  if (script === undefined) {
    throw wrong(`Unknown shell '${shell}'${suggestion(shell, COMMANDS.completions.words)}`);
  }
  console.log(script());
}

/** Says nothing where the models are not known here: a completion is no place for faults. */
async function printModels(
  words: readonly string[],
  moduleDir: string | undefined,
): Promise<void> {
  // Bash hands over `--config=PATH` as three words, and no shell expands the ~.
  const line = words.join("\0").replaceAll("\0=\0", "=").replaceAll("=", "\0").split("\0");
  if (line.includes("--url") || line.includes("--base-url")) return;
  const at = line.indexOf("--config");
  const home = Deno.env.get("HOME") ?? "~";
  const config = at < 0 ? undefined : line[at + 1]?.replace(/^~(?=\/)/, home);
  try {
    const { resolved } = await readConfiguration({ config, moduleDir });
    for (const { reasoning: { id } } of resolved.models) console.log(id);
  } catch {
    // No configuration, or one with faults: `o1-api check` tells.
  }
}

function wrong(problem: string): UsageError {
  return new UsageError("completions", problem);
}
