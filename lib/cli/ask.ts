/**
 * `o1-api ask`: one question, or a conversation, in a terminal.
 *
 * @module
 */
import { PLACEHOLDER_TOKEN } from "../config/resolve.ts";
import { createApp } from "../server/app.ts";
import { readBody } from "../upstream/bytes.ts";
import { systemClock } from "../upstream/clock.ts";
import { createSseParser } from "../upstream/sse.ts";
import { type AskFlags, parseAskFlags } from "./ask_flags.ts";
import { type AskOutput, createAskView } from "./ask_view.ts";
import { configOrExit } from "./configuration.ts";
import { UsageError } from "./flags.ts";

const STOPPED = 130;
const MAX_LINE = 8_388_608;

interface Target {
  url: string;
  key: string;
  send(request: Request): Promise<Response>;
}

interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

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
  const app = createApp({
    config: resolved,
    clock: systemClock,
    random: Math.random,
    fetch,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const key = resolved.token ?? PLACEHOLDER_TOKEN;
  return { url: "http://localhost/v1", key, send: (request) => app.handle(request) };
}

/** Asks; prints the answer and returns it, or says why there is none. */
async function answer(
  messages: readonly Message[],
  flags: AskFlags,
  { url, key, send }: Target,
  signal: AbortSignal,
): Promise<string | undefined> {
  const request = new Request(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(bodyOf(messages, flags)),
    signal,
  });
  try {
    const response = await send(request);
    if (!response.ok) return fail(await response.text());
    if (!flags.json) return await show(response, flags, signal);
    const completion = await response.text();
    print(Deno.stdout, `${completion}\n`);
    return completion;
  } catch (error) {
    if (signal.aborted) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    return fail(flags.url === undefined ? reason : `Can't reach ${flags.url}: ${reason}`);
  }
}

function bodyOf(messages: readonly Message[], flags: AskFlags): Record<string, unknown> {
  return {
    messages,
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.effort === undefined ? {} : { reasoning_effort: flags.effort }),
    reasoning_format: "parsed",
    stream: !flags.json,
    ...(flags.json ? {} : { stream_options: { include_usage: true } }),
    reasoning: {
      ...(flags.json ? {} : { events: true }),
      ...(flags.strategy === undefined ? {} : { strategy: flags.strategy }),
    },
  };
}

async function show(
  response: Response,
  flags: AskFlags,
  signal: AbortSignal,
): Promise<string | undefined> {
  const thinking = flags.thinking ?? (Deno.stderr.isTerminal() ? "titles" : "none");
  const view = createAskView(thinking, terminal(), systemClock.now);
  const parser = createSseParser(MAX_LINE);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const body = readBody(response, signal);
  let isDone = false;
  try {
    for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) {
      for (const { data } of parser.push(decoder.decode(bytes, { stream: true }))) {
        isDone ||= data === "[DONE]";
        if (data === "[DONE]") continue;
        const chunk = JSON.parse(data);
        if (chunk.error) {
          view.end();
          return fail(data);
        }
        view.chunk(chunk);
      }
    }
  } finally {
    view.end();
    body.close();
  }
  return isDone ? view.answer() : fail("The stream ended before the answer did.");
}

/** Questions and answers until the input ends; Ctrl-C stops an answer, or the conversation. */
async function converse(
  first: string,
  messages: Message[],
  flags: AskFlags,
  target: Target,
): Promise<void> {
  let stop: AbortController | undefined;
  const onInterrupt = () => stop === undefined ? Deno.exit(STOPPED) : stop.abort();
  Deno.addSignalListener("SIGINT", onInterrupt);
  let failed = false;
  const turn = async (question: string) => {
    stop = new AbortController();
    messages.push({ role: "user", content: question });
    const text = await answer(messages, flags, target, stop.signal);
    stop = undefined;
    failed = text === undefined;
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
  Deno.removeSignalListener("SIGINT", onInterrupt);
  if (failed) Deno.exit(1);
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

function print(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

function terminal(): AskOutput {
  const isTerminal = Deno.stderr.isTerminal();
  return {
    out: (text) => print(Deno.stdout, text),
    err: (text) => print(Deno.stderr, text),
    canRewrite: isTerminal,
    colours: isTerminal && !Deno.env.get("NO_COLOR"),
    columns: isTerminal ? columns() : 80,
  };
}

/** Some terminals do not know their own size. */
function columns(): number {
  const { columns } = Deno.consoleSize();
  return columns >= 20 ? columns : 80;
}

/** Says what went wrong: the server's own words where it has any. */
function fail(text: string): undefined {
  let message = text;
  try {
    message = JSON.parse(text).error?.message ?? text;
  } catch {
    // Not JSON: a proxy's page, or a network's words.
  }
  console.error(`o1-api: ${message.slice(0, 2_000)}`);
  return undefined;
}
