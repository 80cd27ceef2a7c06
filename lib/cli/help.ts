/**
 * What `--help` prints, made from the table of commands.
 *
 * @module
 */
import { type Command, type CommandName, COMMANDS, flagsOf } from "./commands.ts";

const COLUMNS = 80;
const PROGRAM = "o1-api";

/** The help of one command; `""` for the program's own. */
export function helpOf(name: CommandName, version: string): string {
  const { summary, text, notes, env = {}, examples, exits }: Command = COMMANDS[name];
  const title = name === "" ? `${PROGRAM} ${version}` : `${PROGRAM} ${name}`;
  const names = Object.keys(COMMANDS) as CommandName[];
  // Of `keys` and `keys new` the longer one tells more.
  const commands = names
    .filter((each) => each !== "" && !names.some((other) => other.startsWith(`${each} `)))
    .map((each) => [each, COMMANDS[each].summary] as const);
  const flags = Object.entries(flagsOf(name)).map(([flag, { short, value = "", about }]) =>
    [`${short ? `-${short},` : "   "} --${flag} ${value}`.trimEnd(), about] as const
  );
  return [
    wrap(`${title}: ${summary}`, 0),
    usageOf(name),
    ...(text === undefined ? [] : [wrap(text, 0)]),
    ...(name === "" ? [section("Commands", commands)] : []),
    section("Options", flags),
    ...(Object.keys(env).length === 0 ? [] : [section("Environment", Object.entries(env))]),
    `Examples:\n${examples.map((line) => `  ${PROGRAM} ${line}`.trimEnd()).join("\n")}`,
    section("Exit codes", Object.entries(exits)),
    ...(notes === undefined ? [] : [wrap(notes, 0)]),
  ].join("\n\n");
}

/** The lines that say how a command is called. */
export function usageOf(name: CommandName): string {
  return COMMANDS[name].usage
    .map((form, i) => (i === 0 ? `Usage: ${PROGRAM} ` : "       ") + form)
    .join("\n");
}

/** Two columns below a heading. */
function section(heading: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  const lines = rows.map(([name, about]) => `  ${name}`.padEnd(width) + wrap(about, width));
  return `${heading}:\n${lines.join("\n")}`;
}

/** Breaks a text into lines; those after the first are indented. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (indent + line.length + 1 + word.length <= COLUMNS) {
      lines[lines.length - 1] += ` ${word}`;
    } else lines.push(word);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
