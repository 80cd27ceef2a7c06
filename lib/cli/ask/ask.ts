/** `o1-api ask`: asks one question and prints the answer. */
import { systemClock } from "../../clock.ts";
import { PLACEHOLDER_TOKEN } from "../../config/resolve.ts";
import { type Endpoint, send } from "../../eval/ask/request.ts";
import { readEvents } from "../../eval/ask/stream.ts";
import { readBody } from "../../upstream/wire/bytes.ts";
import type { CommandOptions } from "../configuration.ts";
import { type Arguments, parseFlags, UsageError } from "../flags.ts";
import { programCommand, shellWord } from "../program_command.ts";
import { plain, print } from "../terminal.ts";
import { type AskView, createAskView, type ThinkingView } from "./view.ts";

/** Exit code after Ctrl-C: 128 plus the number of SIGINT, as in shells. */
const INTERRUPTED = 130;

/** Longest error message that is printed, in characters. */
const MAX_MESSAGE = 2_000;

interface Target extends Endpoint {
  /** Ends what runs in this process. */
  close?(): Promise<void>;
}

/**
 * Runs the command. Exits with 1 if no complete answer arrives and 130 after Ctrl-C.
 *
 * @throws {UsageError} for invalid arguments.
 */
export async function ask(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  const { words, flags } = parseFlags("ask", args);
  const { url, key, config, thinking, json } = flags;
  if (url !== undefined && !(/^https?:\/\//.test(url) && URL.canParse(url))) {
    throw new UsageError("ask", `--url must begin with http:// or https://, not '${url}'`);
  }
  if (url !== undefined && config !== undefined) {
    throw new UsageError("ask", "--config and --url exclude each other");
  }
  if (url === undefined && key !== undefined) {
    throw new UsageError("ask", "--key requires --url");
  }
  const piped = Deno.stdin.isTerminal() ? "" : await new Response(Deno.stdin.readable).text();
  const question = [words.join(" "), piped.trim()].filter((part) => part !== "").join("\n\n");
  if (question === "") throw new UsageError("ask", "No question given");
  const target = url === undefined
    ? await configuredModels({ config, moduleDir })
    : remoteServer(url, key);
  const view = createAskView(thinking as ThinkingView | undefined);
  Deno.addSignalListener("SIGINT", () => {
    view.end();
    Deno.exit(INTERRUPTED);
  });
  // This process does not log why a call failed, and clients do not learn it.
  const flag = config === undefined ? "" : ` --config ${shellWord(config)}`;
  const hint = url === undefined
    ? `\nThis shows why: ${programCommand()} check --online${flag}`
    : "";
  let problem = url === undefined ? "" : `Can't reach ${url}: `;
  try {
    const body = requestBody(question, flags);
    const response = await send(target, "/chat/completions", body);
    problem = "The answer is incomplete: ";
    if (!response.ok) fail(await response.text(), `HTTP ${response.status}: `, hint);
    else if (json) printJson(await response.text());
    else await printStream(response, view);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), problem, hint);
  } finally {
    await target.close?.();
  }
}

function requestBody(
  question: string,
  { model, system, effort, strategy, json }: Arguments<"ask">["flags"],
): Record<string, unknown> {
  const stream = !json;
  // JSON leaves out keys whose value is undefined.
  return {
    model,
    messages: [
      ...system ? [{ role: "system", content: system }] : [],
      { role: "user", content: question },
    ],
    reasoning_effort: effort,
    reasoning_format: "parsed",
    reasoning: { strategy, events: stream || undefined },
    stream,
    stream_options: stream ? { include_usage: true } : undefined,
  };
}

function remoteServer(url: string, key: string | undefined): Target {
  const apiKey = key ?? Deno.env.get("O1_API_TOKEN") ?? PLACEHOLDER_TOKEN;
  return { baseUrl: url.replace(/\/+$/, ""), apiKey, send: fetch };
}

async function configuredModels(options: CommandOptions): Promise<Target> {
  // Imported on demand, because asking another server does not need them.
  const { configOrExit } = await import("../configuration.ts");
  const { inProcess } = await import("../../eval/ask/in_process.ts");
  const { resolved: config } = await configOrExit(options);
  // Anyone who can read the configuration may ask, even if only client keys are accepted.
  return inProcess({ config, clock: systemClock, random: Math.random, fetch });
}

function printJson(completion: string): void {
  JSON.parse(completion);
  // JSON leaves these control characters unescaped, and a terminal would obey them.
  const escape = (control: string) => `\\u00${control.charCodeAt(0).toString(16)}`;
  print(Deno.stdout, `${completion.replace(/[\x7f-\x9f]/g, escape)}\n`);
}

async function printStream(response: Response, view: AskView): Promise<void> {
  const body = readBody(response, new AbortController().signal);
  let isDone = false;
  try {
    for await (const data of readEvents(body)) {
      isDone ||= data === "[DONE]";
      if (data === "[DONE]") continue;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Error(data);
      view.chunk(chunk);
    }
  } finally {
    view.end();
  }
  if (!isDone) fail("The stream ended before the answer was complete.");
}

/**
 * Prints the message of an OpenAI error body, or else a prefix and the text. Exits with 1, or with 2
 * for an unknown strategy, which only the server of the configuration can know.
 *
 * @param hint is added to an error of an upstream.
 */
function fail(text: string, prefix = "", hint = ""): never {
  let error: { message?: unknown; code?: unknown; param?: unknown } = {};
  try {
    ({ error } = JSON.parse(text));
  } catch {
    // Not an OpenAI error: a proxy's page or a network error.
  }
  const line = plain(String(error?.message || prefix + text)).trim().slice(0, MAX_MESSAGE);
  const isOfUpstream = String(error?.code).startsWith("upstream_");
  print(Deno.stderr, `o1-api: ${line}${isOfUpstream ? hint : ""}\n`);
  Deno.exit(error?.param === "reasoning.strategy" ? 2 : 1);
}
