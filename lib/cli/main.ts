/**
 * The command line.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import denoJson from "../../deno.json" with { type: "json" };
import { check } from "./check.ts";
import type { CommandOptions } from "./options.ts";
import { serve } from "./serve.ts";

/** The version of this program. */
export const VERSION: string = denoJson.version;

const HELP = `o1-api ${VERSION}: reasoning over any chat model, behind the OpenAI API

Usage: o1-api [command] [options]

Commands:
  serve            run the server (default)
  ask              ask a question here; see \`o1-api ask --help\`
  check            check the configuration and exit
  keys new NAME    make a key for a client, and its entry for the configuration
  eval             compare models on a set of problems; see \`o1-api eval --help\`

Options:
  --config PATH    the configuration; default: config.yaml beside the program
  --host HOST      address to listen on
  --port PORT      port to listen on
  --version        print the version
  --help           print this text`;

/** Runs the program. Ends the process with 1 for a bad configuration, 2 for bad arguments. */
export async function main(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  if (args[0] === "eval") {
    // Loaded only here: a server needs none of it.
    const { compareModels } = await import("./eval.ts");
    return await compareModels(args.slice(1), moduleDir);
  }
  if (args[0] === "ask") {
    const { ask } = await import("./ask.ts");
    return await ask(args.slice(1), moduleDir);
  }
  if (args[0] === "keys") {
    const { keys } = await import("./keys.ts");
    return await keys(args.slice(1));
  }
  const unknown: string[] = [];
  const flags = parseArgs(args, {
    string: ["config", "host", "port"],
    boolean: ["help", "version"],
    alias: { h: "help", V: "version" },
    unknown(arg, key) {
      if (key !== undefined) unknown.push(arg);
      return true;
    },
  });
  if (unknown.length > 0) return usage(`Unknown option ${unknown[0]}`);
  if (flags.help) return console.log(HELP);
  if (flags.version) return console.log(`o1-api ${VERSION} (deno ${Deno.version.deno})`);
  const text = (name: string) => typeof flags[name] === "string" ? flags[name] : undefined;
  const options: CommandOptions = {
    config: text("config"),
    host: text("host"),
    port: text("port"),
    moduleDir,
  };
  const [command = "serve", extra] = flags._.map(String);
  if (extra !== undefined) return usage(`Unexpected argument '${extra}'`);
  if (command === "serve") return await serve(options);
  if (command === "check") return await check(options);
  usage(`Unknown command '${command}'`);
}

function usage(problem: string): void {
  console.error(`${problem}\n\n${HELP}`);
  Deno.exit(2);
}
