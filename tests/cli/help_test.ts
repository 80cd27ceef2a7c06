import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Command,
  COMMAND_NAMES,
  type CommandName,
  COMMANDS,
  flagsOf,
} from "../../lib/cli/commands.ts";
import { parseFlags, UsageError } from "../../lib/cli/flags.ts";
import { helpText } from "../../lib/cli/help.ts";
import { runProgram } from "../support/program.ts";

const NAMES: CommandName[] = ["", ...COMMAND_NAMES];

for (const name of NAMES) {
  Deno.test(`\`o1-api ${name}${name && " "}--help\` prints usage, options, variables, examples and exit codes in 80 columns`, async () => {
    const args = [...name.split(" ").filter(Boolean), "--help"];
    const { code, stdout, stderr } = await runProgram({ args });
    assertEquals([code, stderr], [0, ""]);
    const { usage, env = {}, exits }: Command = COMMANDS[name];
    const parts = [`Usage: o1-api ${usage[0]}`, "\nExamples:\n  o1-api", "\nExit codes:\n"];
    for (const flag of Object.keys(flagsOf(name))) parts.push(` --${flag}`);
    for (const row of [...Object.keys(env), ...Object.keys(exits), "2"]) parts.push(`\n  ${row} `);
    for (const part of parts) assertStringIncludes(stdout, part);
    const [text, examples = ""] = stdout.split("\nExamples:\n");
    const long = `${text}\n${examples.slice(examples.indexOf("\n\n"))}`.split("\n")
      .filter((line) => line.length > 80);
    assertEquals(long, []);
  });

  Deno.test(`the descriptions of \`o1-api ${name} --help\` are aligned`, () => {
    const options = helpText(name).split("\nOptions:\n")[1]!.split("\n\n")[0]!.split("\n");
    const columns = options.map((line) => {
      const [head] = /^ {2}(?:-\w,| {3}) --[\w-]+(?: [A-Z]+)? +/.exec(line) ?? /^ */.exec(line)!;
      return head.length;
    });
    assertEquals(new Set(columns).size, 1, options.join("\n"));
  });
}

Deno.test("every example of the help can be parsed", () => {
  for (const name of COMMAND_NAMES) {
    for (const line of COMMANDS[name].examples) {
      const args = line.replace(/ [<>|] .*/, "").match(/"[^"]*"|\S+/g)!;
      assertEquals(args[0], name);
      parseFlags(name, args.slice(1));
    }
  }
});

Deno.test("the program's help lists every command", async () => {
  const { stdout } = await runProgram({ args: ["--help"] });
  for (const name of COMMAND_NAMES) assertStringIncludes(stdout, `\n  ${name} `);
});

for (
  const [args, says, usage] of [
    [["serv"], "Unknown command 'serv'; did you mean 'serve'?", "[command] [options]"],
    [["chek", "--online"], "Unknown command 'chek'; did you mean 'check'?", "[command] [options]"],
    [["as", "Is 97 prime?"], "Unknown command 'as'; did you mean 'ask'?", "[command] [options]"],
    [["dance"], "valid names: serve, ask", "[command] [options]"],
    [["--prot", "1"], "Unknown option --prot; did you mean --port?", "[command] [options]"],
    [["--port"], "--port needs a value", "[command] [options]"],
    [["--port", "1", "--port", "2"], "--port is given more than once", "[command] [options]"],
    [["--port", "1", "ask"], "The command comes first: o1-api ask", "[command] [options]"],
    [["serve", "--hots=x"], "Unknown option --hots=x; did you mean --host?", "serve [options]"],
    [["serve", "now"], "Unexpected argument 'now'", "serve [options]"],
    [["check", "--port", "1"], "Unknown option --port", "check [--online] [--config PATH]"],
    [
      ["ask", "--modle", "x", "q"],
      "Unknown option --modle; did you mean --model?",
      "ask [options]",
    ],
    [["ask", "-x", "q"], "Unknown option -x", "ask [options] QUESTION"],
    [
      ["ask", "--effort", "huge", "q"],
      "--effort must be one of none, minimal",
      "ask [options] QUESTION",
    ],
    [["keys", "nw"], "Unknown command 'nw'; did you mean 'new'?", "keys new NAME"],
    [["eval", "--model", "x"], "did you mean --models?", "eval --models ID,ID,… [options]"],
  ] as const
) {
  Deno.test(`\`o1-api ${args.join(" ")}\` exits with 2 and explains why`, async () => {
    const { code, stdout, stderr } = await runProgram({ args: [...args] });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, says);
    assertStringIncludes(stderr, `Usage: o1-api ${usage}`);
    assert(/See `o1-api [a-z ]*--help` for all options\.\n$/.test(stderr), stderr);
  });
}

Deno.test("arguments are not converted, and -- ends the flags", () => {
  assertEquals(parseFlags("ask", ["007", "+", "1e3"]).words, ["007", "+", "1e3"]);
  const { words, flags } = parseFlags("ask", ["-m", "o1", "--", "-5", "--json"]);
  assertEquals([words, flags.model], [["-5", "--json"], "o1"]);
  assertThrows(() => parseFlags("ask", ["-5"]), UsageError);
});
