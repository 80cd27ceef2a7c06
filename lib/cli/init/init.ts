/** `o1-api init`: writes a configuration for a provider. */
import { promptSecret } from "@std/cli";
import { baseUrlFault } from "../../config/base_url.ts";
import { InputError, withFile } from "../../eval/input_error.ts";
import { configFile, orExit } from "../configuration.ts";
import { type Arguments, parseFlags, UsageError } from "../flags.ts";
import { programCommand, shellWord } from "../program_command.ts";
import { type Provider, PROVIDERS } from "./providers.ts";
import { type Choices, configText } from "./template.ts";

type Flags = Arguments<"init">["flags"];

/**
 * Exits with 1 if the file exists or can't be written.
 *
 * @throws {UsageError} for invalid arguments.
 */
export async function init(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  const { flags } = parseFlags("init", args);
  const path = await configFile({ config: flags.config, moduleDir });
  const exists = await Deno.lstat(path).then(() => true, () => false);
  if (exists) {
    fail(`${path} exists. Edit it, or write another file with --config PATH.`);
  }
  const provider = PROVIDERS.find(({ name }) => name === flags.provider);
  const choices = provider === undefined ? ask(flags) : fromFlags(provider, flags);
  const fault = baseUrlFault(choices.url);
  if (fault !== undefined) throw new UsageError("init", `The base URL ${fault}`);
  const text = configText(choices);
  // It may hold a key.
  const options = { createNew: true, mode: 0o600 };
  const write = () => withFile("--config", path, () => Deno.writeTextFile(path, text, options));
  await orExit(write, InputError);
  const variable = /^\$\{(\w+)\}$/.exec(choices.key ?? "")?.[1];
  const isMissing = variable !== undefined && Deno.env.get(variable) === undefined;
  const flag = flags.config === undefined ? "" : ` --config ${shellWord(path)}`;
  console.log(`Wrote ${path}: ${choices.title}, model ${choices.model}.
${isMissing ? `Set ${variable}, then start` : "Start"} the server: ${programCommand()}${flag}`);
}

function fail(message: string): never {
  console.error(message);
  Deno.exit(1);
}

function fromFlags(provider: Provider, { url = provider.url, model }: Flags): Choices {
  if (url === undefined) throw new UsageError("init", `--provider ${provider.name} needs --url`);
  const { title, keyVariable } = provider;
  const key = keyVariable === undefined ? undefined : `\${${keyVariable}}`;
  return { title, url, model: model ?? provider.model, key };
}

/** Asks on the terminal for everything that the flags leave open. */
function ask(flags: Flags): Choices {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("init", "--provider is required if the input is not a terminal");
  }
  for (const [i, { title }] of PROVIDERS.entries()) console.log(`${i + 1}. ${title}`);
  const provider = askProvider();
  const { keyVariable } = provider;
  const choices = fromFlags(provider, {
    url: flags.url ?? provider.url ?? answer("Base URL, such as https://example.com/v1"),
    model: flags.model ?? answer("Model", provider.model),
  });
  if (keyVariable === undefined) return choices;
  // `promptSecret` asks first and then stops the echo; what is typed in between would be shown.
  Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
  const key = promptSecret(`API key (empty: read the environment variable ${keyVariable}):`);
  return key ? { ...choices, key } : choices;
}

function askProvider(): Provider {
  for (;;) {
    const given = answer(`Provider, 1 to ${PROVIDERS.length}`).toLowerCase();
    const provider = PROVIDERS[Number(given) - 1] ??
      PROVIDERS.find(({ name, title }) => given === name || given === title.toLowerCase());
    if (provider !== undefined) return provider;
  }
}

/** Asks until there is an answer. Exits if the input ends. */
function answer(question: string, suggested?: string): string {
  for (;;) {
    const given = prompt(`${question}:`, suggested);
    if (given === null) fail("The input has ended. Nothing was written.");
    if (given.trim() !== "") return given.trim();
  }
}
