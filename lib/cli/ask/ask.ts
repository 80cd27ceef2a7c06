/**
 * `o1-api ask`: one question, or a conversation, in a terminal.
 *
 * @module
 */
import { PLACEHOLDER_TOKEN } from "../../config/resolve.ts";
import { createApp } from "../../server/app.ts";
import { systemClock } from "../../clock.ts";
import { answer, type Message, type Target } from "./answer.ts";
import { type AskFlags, parseAskFlags } from "./flags.ts";
import { configOrExit } from "../configuration.ts";
import { UsageError } from "../flags.ts";
import { print } from "../terminal.ts";

const STOPPED = 130;

/** A second Ctrl-C sooner than this is the first one, forwarded by `deno task` or npx. */
const FORWARDED_MS = 1_000;

/**
 * Runs the command. Ends the process with 1 where no answer came, 130 when it was stopped.
 *
 * @param args what follows the command.
 * @param moduleDir the folder of the program's own files.
 * @returns "help" where help is asked for.
 * @throws {UsageError} for wrong arguments.
 */
export async function ask(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<"help" | void> {
  const flags = parseAskFlags(args);
  if (flags === undefined) return "help";
  const piped = Deno.stdin.isTerminal() || flags.chat ? "" : await readStdin();
  const question = [flags.question, piped.trim()].filter((text) => text !== "").join("\n\n");
  if (question === "" && !flags.chat) throw new UsageError("ask", "What is the question?");
  const target = await targetOf(flags, moduleDir);
  const messages: Message[] = flags.system ? [{ role: "system", content: flags.system }] : [];
  if (flags.chat) return await converse(question, messages, flags, target);
  messages.push({ role: "user", content: question });
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", onInterrupt);
  const outcome = await answer(messages, flags, target, stop.signal);
  Deno.removeSignalListener("SIGINT", onInterrupt);
  if (outcome === undefined) Deno.exit(stop.signal.aborted ? STOPPED : 1);
}

async function targetOf(flags: AskFlags, moduleDir: string | undefined): Promise<Target> {
  if (flags.url !== undefined) {
    const key = flags.key ?? Deno.env.get("O1_API_TOKEN") ?? PLACEHOLDER_TOKEN;
    return { url: flags.url.replace(/\/+$/, ""), key, send: (request) => fetch(request) };
  }
  const { resolved } = await configOrExit({ config: flags.config, moduleDir });
  // Who can read the configuration may ask, also where clients' keys alone are taken.
  const key = resolved.token ?? PLACEHOLDER_TOKEN;
  const app = createApp({
    config: { ...resolved, token: key },
    clock: systemClock,
    random: Math.random,
    fetch,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return { url: "http://localhost/v1", key, send: (request) => app.handle(request) };
}

/** Questions and answers until the input ends; Ctrl-C stops an answer, or the conversation. */
async function converse(
  first: string,
  messages: Message[],
  flags: AskFlags,
  target: Target,
): Promise<void> {
  let stop: AbortController | undefined;
  let stoppedAt = -Infinity;
  const onInterrupt = () => {
    const now = systemClock.now();
    if (stop !== undefined) {
      stop.abort();
      stoppedAt = now;
    } else if (now - stoppedAt > FORWARDED_MS) {
      newLine();
      Deno.exit(STOPPED);
    }
  };
  Deno.addSignalListener("SIGINT", onInterrupt);
  let failed = false;
  const turn = async (question: string) => {
    stop = new AbortController();
    messages.push({ role: "user", content: question });
    const { signal } = stop;
    const text = await answer(messages, flags, target, signal);
    stop = undefined;
    failed = text === undefined && !signal.aborted;
    // An answer that did not come has no place in the conversation, nor has its question.
    if (text === undefined) messages.pop();
    else messages.push({ role: "assistant", content: text });
  };
  if (first !== "") await turn(first);
  const prompt = () => {
    if (Deno.stdin.isTerminal()) print(Deno.stderr, "\n› ");
  };
  prompt();
  for await (const line of lines()) {
    if (line.trim() !== "") await turn(line);
    prompt();
  }
  newLine();
  Deno.removeSignalListener("SIGINT", onInterrupt);
  if (failed) Deno.exit(1);
}

/** What comes next on the terminal does not stand beside the prompt. */
function newLine(): void {
  if (Deno.stdin.isTerminal()) print(Deno.stderr, "\n");
}

async function* lines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const all = (rest + text).split("\n");
    rest = all.pop() ?? "";
    yield* all;
  }
  if (rest !== "") yield rest;
}

function readStdin(): Promise<string> {
  return new Response(Deno.stdin.readable).text();
}
