/**
 * One question to a server, and its answer on the terminal.
 *
 * @module
 */
import { readBody } from "../../upstream/wire/bytes.ts";
import { systemClock } from "../../clock.ts";
import { createSseParser } from "../../upstream/wire/sse.ts";
import type { AskFlags } from "./flags.ts";
import { createAskView } from "./view.ts";
import { plain, print, terminal } from "../terminal.ts";

const MAX_LINE = 8_388_608;

/** Who is asked. */
export interface Target {
  /** The base URL, ending in /v1. */
  url: string;
  /** The token. */
  key: string;
  /** Sends a request there. */
  send(request: Request): Promise<Response>;
}

/** One message of the conversation. */
export interface Message {
  /** Whose it is. */
  role: "system" | "user" | "assistant";
  /** Its text. */
  content: string;
}

/** Asks; prints the answer and returns it, or says why there is none and returns undefined. */
export async function answer(
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
  let response: Response;
  try {
    response = await send(request);
  } catch (error) {
    if (signal.aborted) return undefined;
    return fail(
      flags.url === undefined ? reasonOf(error) : `Can't reach ${url}: ${reasonOf(error)}`,
    );
  }
  try {
    if (!response.ok) return fail(await response.text(), `HTTP ${response.status}`);
    if (!flags.json) return await show(response, flags, signal);
    const completion = await response.text();
    JSON.parse(completion);
    // JSON itself leaves these unescaped in its texts.
    print(Deno.stdout, `${completion.replace(/[\x7f-\x9f]/g, escaped)}\n`);
    return completion;
  } catch (error) {
    if (signal.aborted) return undefined;
    return fail(`The answer broke off: ${reasonOf(error)}`);
  }
}

function escaped(character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16)}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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

/** Says what went wrong: the server's own words where it has any. */
function fail(text: string, otherwise = ""): undefined {
  let message = otherwise && `${otherwise}: ${text}`;
  try {
    message = JSON.parse(text).error.message;
  } catch {
    // Not JSON, or not OpenAI's: a proxy's page, or a network's words.
  }
  print(Deno.stderr, `o1-api: ${plain(String(message || text)).trim().slice(0, 2_000)}\n`);
  return undefined;
}
