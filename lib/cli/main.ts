/**
 * The command line.
 *
 * @module
 */
import denoJson from "../../deno.json" with { type: "json" };
import { suggestion } from "../config/faults/suggestion.ts";
import { check } from "./check.ts";
import { type CommandName, FIRST_WORDS } from "./commands.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { helpOf, usageOf } from "./help.ts";
import { serve } from "./serve/serve.ts";

/** The version of this program. */
export const VERSION: string = denoJson.version;

/**
 * Runs the program. Ends the process with 1 for a bad configuration, 2 for bad arguments.
 *
 * @param args the arguments.
 * @param moduleDir the folder of the program's own files.
 */
export async function main(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  try {
    const name = await run(args, moduleDir);
    if (name !== undefined) console.log(helpOf(name, VERSION));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, command } = error;
    const help = `o1-api ${command} --help`.replace("  ", " ");
    console.error(`${message}\n\n${usageOf(command)}\n\`${help}\` tells what there is.`);
    Deno.exit(2);
  }
}

/** Runs a command; returns the one whose help is asked for. */
async function run(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<CommandName | void> {
  const [first, ...rest] = args;
  // Loaded only where they run: a server needs none of them.
  if (first === "eval") {
    const { compareModels } = await import("./eval.ts");
    return await compareModels(rest, moduleDir) && "eval";
  }
  if (first === "ask") {
    const { ask } = await import("./ask/ask.ts");
    return await ask(rest, moduleDir) && "ask";
  }
  if (first === "keys") {
    const { keys } = await import("./keys.ts");
    return await keys(rest);
  }
  if (first === "check") {
    const { words, has, text } = parseFlags("check", rest);
    if (has("help")) return "check";
    refuseWords("check", words);
    return await check({ config: text("config"), moduleDir });
  }
  if (first === "serve") {
    const { words, has, text } = parseFlags("serve", rest);
    if (has("help")) return "serve";
    refuseWords("serve", words);
    const [config, host, port] = [text("config"), text("host"), text("port")];
    return await serve({ config, host, port, moduleDir });
  }
  const { words, has, text } = parseFlags("", args);
  if (has("help")) return "";
  if (has("version")) return console.log(`o1-api ${VERSION} (deno ${Deno.version.deno})`);
  const [word, ...others] = words;
  if (word !== undefined && !FIRST_WORDS.some((name) => name === word)) {
    throw new UsageError("", `Unknown command '${word}'${suggestion(word, FIRST_WORDS)}`);
  }
  if (word !== undefined && word !== "serve") {
    throw new UsageError("", `The command comes first: o1-api ${word} [options]`);
  }
  refuseWords("", others);
  const [config, host, port] = [text("config"), text("host"), text("port")];
  await serve({ config, host, port, moduleDir });
}

function refuseWords(command: CommandName, [word]: readonly string[]): void {
  if (word !== undefined) throw new UsageError(command, `Unexpected argument '${word}'`);
}
