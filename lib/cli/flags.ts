/** Parses the arguments of a command according to {@linkcode COMMANDS}. */
import { parseArgs } from "@std/cli";
import { nearest } from "../config/faults/suggestion.ts";
import { type Command, type CommandName, COMMANDS, flagsOf } from "./commands.ts";
import { printHelpAndExit } from "./help.ts";

/** Invalid arguments. */
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
  /** Arguments that are not flags. */
  words: string[];
  /** The given flags: text if the flag has a value, otherwise true. */
  flags: {
    [Flag in keyof FlagsOf<Name>]?: FlagsOf<Name>[Flag] extends { value: string } ? string : true;
  };
}

/**
 * Prints the help and exits if `--help` is given.
 *
 * @throws {UsageError} for an unknown or repeated flag, an invalid value, or too many words.
 */
export function parseFlags<Name extends CommandName>(
  command: Name,
  args: readonly string[],
): Arguments<Name> {
  const table = Object.entries(flagsOf(command));
  const withValue = table.filter(([, { value }]) => value !== undefined);
  const collect = withValue.map(([name]) => name);
  const unknown: string[] = [];
  const flags = parseArgs(args, {
    string: ["_", ...collect],
    boolean: table.filter(([, { value }]) => value === undefined).map(([name]) => name),
    collect,
    alias: Object.fromEntries(table.flatMap(([name, { short }]) => short ? [[short, name]] : [])),
    unknown(arg, key) {
      if (key !== undefined) unknown.push(arg, key);
      return true;
    },
  });
  if (flags.help === true) printHelpAndExit(command);
  const [arg, key] = unknown;
  if (arg !== undefined) {
    const suggested = nearest(key ?? "", table.map(([name]) => name));
    const hint = suggested === undefined ? "" : `; did you mean --${suggested}?`;
    throw new UsageError(command, `Unknown option ${arg}${hint}`);
  }
  const given: Record<string, string | true> = {};
  for (const [name, { value: placeholder, values: allowed }] of table) {
    const [value, second] = [flags[name] ?? []].flat();
    if (placeholder === undefined) {
      if (value === true) given[name] = true;
      continue;
    }
    if (value === undefined) continue;
    if (second !== undefined) throw new UsageError(command, `--${name} is given more than once`);
    if (value === "") throw new UsageError(command, `--${name} needs a value`);
    given[name] = String(value);
    if (allowed?.includes(given[name]) === false) {
      throw new UsageError(command, `--${name} must be ${allowed.join(", ")}, not '${value}'`);
    }
  }
  const words = flags._.map(String);
  const { words: maxWords = 0 }: Command = COMMANDS[command];
  const extra = words[maxWords];
  if (extra !== undefined) throw new UsageError(command, `Unexpected argument '${extra}'`);
  return { words, flags: given as Arguments<Name>["flags"] };
}
