import { VERSION } from "../server/version.ts";
import { type Command, COMMAND_NAMES, type CommandName, COMMANDS, flagsOf } from "./commands.ts";

const COLUMNS = 80;

export function printHelpAndExit(name: CommandName): never {
  console.log(helpText(name));
  Deno.exit();
}

export function helpText(name: CommandName): string {
  const { summary, text, notes, env = {}, examples, exits }: Command = COMMANDS[name];
  const commands = COMMAND_NAMES.map((command) => [command, COMMANDS[command].summary] as const);
  const flags = Object.entries(flagsOf(name)).map(([flag, { short, value = "", about }]) =>
    [`${short ? `-${short},` : "   "} --${flag} ${value}`.trimEnd(), about] as const
  );
  const paragraphs = [
    wrap(`o1-api ${name || VERSION}: ${summary}`),
    usage(name),
    text && wrap(text),
    name === "" && section("Commands", commands),
    section("Options", flags),
    section("Environment", Object.entries(env)),
    `Examples:\n${examples.map((line) => `  o1-api ${line}`.trimEnd()).join("\n")}`,
    section("Exit codes", Object.entries({ ...exits, 2: "invalid arguments" })),
    notes && wrap(notes),
  ];
  return paragraphs.filter(Boolean).join("\n\n");
}

export function usage(name: CommandName): string {
  return COMMANDS[name].usage
    .map((form, index) => (index === 0 ? "Usage: o1-api " : "       ") + form)
    .join("\n");
}

/** Two columns below a heading, or nothing if there are no rows. */
function section(heading: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  const lines = rows.map(([name, about]) => `  ${name}`.padEnd(width) + wrap(about, width));
  return `${heading}:\n${lines.join("\n")}`;
}

/** Breaks a text into lines and indents all but the first. */
function wrap(text: string, indent = 0): string {
  const line = new RegExp(`(.{1,${COLUMNS - indent}}|\\S+)(?: |$)`, "g");
  return Array.from(text.matchAll(line), ([, words]) => words).join(`\n${" ".repeat(indent)}`);
}
