/** The command line: chooses the command and reports invalid arguments. */
import { suggestion } from "../config/faults/suggestion.ts";
import { COMMAND_NAMES } from "./commands.ts";
import type { CommandOptions } from "./configuration.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { VERSION } from "../server/version.ts";
import { usage } from "./help.ts";

/**
 * Runs the program. Exits with 1 for an invalid configuration and 2 for invalid arguments.
 *
 * @param args arguments of the command line, without the program's name.
 * @param moduleDir folder of `main.ts`, where `config.yaml` is looked for.
 */
export async function main(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  try {
    await run(args, moduleDir);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, command } = error;
    const help = `o1-api ${command} --help`.replace("  ", " ");
    console.error(`${message}\n\n${usage(command)}\nSee \`${help}\` for all options.`);
    Deno.exit(2);
  }
}

async function run(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  const [first, ...rest] = args;
  // Imported on demand, because no command needs the others.
  if (first === "eval") return (await import("./eval.ts")).compareModels(rest, moduleDir);
  if (first === "ask") return (await import("./ask/ask.ts")).ask(rest, moduleDir);
  if (first === "init") return (await import("./init/init.ts")).init(rest, moduleDir);
  if (first === "usage") return (await import("./usage/usage.ts")).usage(rest, moduleDir);
  if (first === "keys") return (await import("./keys.ts")).keys(rest);
  if (first === "check") return (await import("./check/check.ts")).check(rest, moduleDir);
  if (first === "serve") return await serve({ ...parseFlags("serve", rest).flags, moduleDir });
  // Before its arguments, which are not those of the program.
  if (first?.startsWith("-") === false) rejectUnknown(first);
  const { words: [word], flags: { version, ...flags } } = parseFlags("", args);
  if (version) return console.log(`o1-api ${VERSION} (deno ${Deno.version.deno})`);
  if (word !== undefined) rejectUnknown(word);
  if (word !== undefined && word !== "serve") {
    throw new UsageError("", `The command comes first: o1-api ${word} [options]`);
  }
  await serve({ ...flags, moduleDir });
}

async function serve(options: CommandOptions): Promise<void> {
  await (await import("./serve/serve.ts")).serve(options);
}

function rejectUnknown(command: string): void {
  if (COMMAND_NAMES.some((name) => name === command)) return;
  throw new UsageError("", `Unknown command '${command}'${suggestion(command, COMMAND_NAMES)}`);
}
