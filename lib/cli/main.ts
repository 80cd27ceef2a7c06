/** The command line: chooses the command and reports invalid arguments. */
import { suggestion } from "../config/faults/suggestion.ts";
import { COMMAND_NAMES, type CommandName } from "./commands.ts";
import { configOrExit } from "./configuration.ts";
import { type Arguments, parseFlags, UsageError } from "./flags.ts";
import { usage, VERSION } from "./help.ts";
import { serve } from "./serve/serve.ts";

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
  switch (first) {
    // Imported on demand, because serving needs none of them.
    case "eval":
      return (await import("./eval.ts")).compareModels(rest, moduleDir);
    case "ask":
      return (await import("./ask/ask.ts")).ask(rest, moduleDir);
    case "keys":
      return (await import("./keys.ts")).keys(rest);
    case "check": {
      const { words, text } = parseFlags("check", rest);
      rejectWords("check", words);
      return await check(text("config"), moduleDir);
    }
    case "serve": {
      const given = parseFlags("serve", rest);
      rejectWords("serve", given.words);
      return await serveWith(given, moduleDir);
    }
  }
  const given = parseFlags("", args);
  if (given.has("version")) return console.log(`o1-api ${VERSION} (deno ${Deno.version.deno})`);
  const [word, ...others] = given.words;
  if (word !== undefined && !COMMAND_NAMES.some((name) => name === word)) {
    throw new UsageError("", `Unknown command '${word}'${suggestion(word, COMMAND_NAMES)}`);
  }
  if (word !== undefined && word !== "serve") {
    throw new UsageError("", `The command comes first: o1-api ${word} [options]`);
  }
  rejectWords("", others);
  await serveWith(given, moduleDir);
}

async function check(config: string | undefined, moduleDir: string | undefined): Promise<void> {
  const { path, resolved } = await configOrExit({ config, moduleDir });
  const models = resolved.models.map((model) => model.reasoning.id).join(", ");
  console.log(`${path ?? "No config.yaml, using the defaults"}: no faults. Models: ${models}`);
}

function serveWith(
  { text }: Pick<Arguments<"serve">, "text">,
  moduleDir: string | undefined,
): Promise<void> {
  return serve({ config: text("config"), host: text("host"), port: text("port"), moduleDir });
}

function rejectWords(command: CommandName, [word]: readonly string[]): void {
  if (word !== undefined) throw new UsageError(command, `Unexpected argument '${word}'`);
}
