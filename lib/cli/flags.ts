/** Parses the arguments of a command according to {@linkcode COMMANDS}. */
import { parseArgs } from "@std/cli";
import { nearest } from "../config/faults/suggestion.ts";
import { type Command, type CommandName, COMMANDS, flagsOf } from "./commands.ts";
import { printHelpAndExit } from "./help.ts";

export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly command: CommandName;

  constructor(command: CommandName, message: string) {
    super(message);
    this.command = command;
  }
}

type FlagsOf<Name extends CommandName> = typeof COMMANDS[Name]["flags"];

export interface Arguments<Name extends CommandName> {
  words: string[];
  /** The given flags: text if the flag has a value, otherwise true. */
  flags: {
    [Flag in keyof FlagsOf<Name>]?: FlagsOf<Name>[Flag] extends { value: string } ? string : true;
  };
}

/**
 * Prints the help and exits if `--help` is given.
 *
 * @param faults receives all faults; if omitted, they are thrown.
 * @throws {UsageError} with a line for each unknown or repeated flag, invalid value or extra word.
 */
export function parseFlags<Name extends CommandName>(
  command: Name,
  args: readonly string[],
  faults?: string[],
): Arguments<Name> {
  const table = Object.entries(flagsOf(command));
  const { words: maxWords = 0 }: Command = COMMANDS[command];
  const withValue = table.filter(([, { value }]) => value !== undefined).map(([name]) => name);
  const found = faults ?? [];
  const parsed = parseArgs(args, {
    string: ["_", ...withValue],
    boolean: table.map(([name]) => name).filter((name) => !withValue.includes(name)),
    collect: withValue,
    alias: Object.fromEntries(table.flatMap(([name, { short }]) => short ? [[short, name]] : [])),
    unknown(arg, key) {
      if (key === undefined) return true;
      const suggested = nearest(key, table.map(([name]) => name));
      const hint = suggested === undefined ? "" : `; did you mean --${suggested}?`;
      found.push(`Unknown option ${arg}${hint}`);
      return false;
    },
  });
  if (parsed.help === true) printHelpAndExit(command);
  const flags: Record<string, string | true> = {};
  for (const [name, { values }] of table) {
    const [value, second] = [parsed[name] || []].flat();
    if (value === undefined) continue;
    flags[name] = value === true ? true : String(value);
    if (second !== undefined) found.push(`--${name} is given more than once`);
    else if (value === "") found.push(`--${name} needs a value`);
    else if (values?.includes(String(value)) === false) {
      found.push(`--${name} must be one of ${values.join(", ")}, not '${value}'`);
    }
  }
  const words = parsed._.map(String);
  const extra = words[maxWords];
  if (extra !== undefined) found.push(`Unexpected argument '${extra}'`);
  if (faults === undefined && found.length > 0) throw new UsageError(command, found.join("\n"));
  return { words, flags: flags as Arguments<Name>["flags"] };
}
