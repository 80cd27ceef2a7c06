/**
 * Reads a command's arguments by the table of commands.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { nearest } from "../config/faults/suggestion.ts";
import { type CommandName, type COMMANDS, flagsOf } from "./commands.ts";

/** Arguments that make no sense. The message says how. */
export class UsageError extends Error {
  /** The name of the class. */
  override readonly name = "UsageError";
  /** Whose arguments they are. */
  readonly command: CommandName;

  /** Takes the command and what is wrong. */
  constructor(command: CommandName, message: string) {
    super(message);
    this.command = command;
  }
}

/** What a command was told. */
export interface Arguments<Name extends string> {
  /** What is no flag, word by word. */
  words: string[];
  /** A flag's value; undefined where it was not given. */
  text(flag: Name): string | undefined;
  /** Whether a switch was given. */
  has(flag: Name | "help"): boolean;
}

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} for a flag that there is not, one given twice, or one without its value.
 */
export function parseFlags<Name extends CommandName>(
  command: Name,
  args: readonly string[],
): Arguments<keyof typeof COMMANDS[Name]["flags"] & string> {
  const table = Object.entries(flagsOf(command));
  const texts = table.filter(([, { value }]) => value !== undefined).map(([name]) => name);
  const unknown: string[] = [];
  const flags = parseArgs(args, {
    string: ["_", ...texts],
    boolean: table.filter(([, { value }]) => value === undefined).map(([name]) => name),
    collect: texts,
    alias: Object.fromEntries(table.flatMap(([name, { short }]) => short ? [[short, name]] : [])),
    unknown(arg, key) {
      if (key !== undefined) unknown.push(arg, key);
      return true;
    },
  });
  const help = flags.help === true;
  const [arg, key] = unknown;
  if (arg !== undefined && !help) {
    const meant = nearest(key ?? "", table.map(([name]) => name));
    const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
    throw new UsageError(command, `Unknown option ${arg}${hint}`);
  }
  const values = (name: string) => (Array.isArray(flags[name]) ? flags[name] : []).map(String);
  for (const name of help ? [] : texts) {
    const [value, second] = values(name);
    if (second !== undefined) throw new UsageError(command, `--${name} is given more than once`);
    if (value === "") throw new UsageError(command, `--${name} needs a value`);
  }
  return {
    words: flags._.map(String),
    text: (flag) => values(flag)[0],
    has: (flag) => flags[flag] === true,
  };
}
