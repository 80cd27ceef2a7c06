/**
 * The app over a scripted upstream, as tests use it.
 *
 * @module
 */
import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { type App, createApp } from "../../lib/server/app.ts";
import { createLog } from "../../lib/server/telemetry/log.ts";
import type { Store } from "../../lib/store/store.ts";
import type { Limiter } from "../../lib/store/limiter.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { checkResponse } from "../spec/checked_response.ts";

/** The token that the test apps take. */
export const TOKEN = "test-token-4711";

/** What a test app is made of. */
export interface TestAppOptions {
  /** The upstream's base URL. */
  upstream: string;
  /** More of config.yaml, as YAML. */
  yaml?: string;
  /** The line that sets the token, in place of the test's own. */
  tokenLine?: string;
  /** A clock to turn by hand. */
  clock?: Clock;
  /** Where what outlives a request is kept; default: memory of its own. */
  store?: Store;
  /** Where requests and tokens are counted. */
  limiter?: Limiter;
  /** Takes the lines of the log. */
  lines?: string[];
}

/** An app, and requests to it. Each answer is checked against OpenAI's document as it is read. */
export interface TestApp extends App {
  /** Sends a request with the token. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
  /** Asks for a completion. */
  chat(body: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  /** Asks for a response. */
  respond(body: Record<string, unknown>, init?: RequestInit): Promise<Response>;
}

/** Creates an app; waits before repeats are short. */
export async function createTestApp(options: TestAppOptions): Promise<TestApp> {
  const yaml = options.yaml ?? `
upstreams:
  scripted:
    base_url: ${options.upstream}
    api_key: upstream-key-4711
    retry: { base_ms: 1, max_ms: 50 }
models:
  o1: { strategy: steps, upstream: scripted, model: scripted-model }
  plain: { strategy: direct, upstream: scripted, model: scripted-model }
stream_status_feedback: false
`;
  const tokenLine = options.tokenLine ?? `api_bearer_token: "${TOKEN}"`;
  const text = `${tokenLine}\n${yaml.replaceAll("UPSTREAM", options.upstream)}`;
  const config = await parseConfig(text, {
    file: "config.yaml",
    env: () => undefined,
    readFile: () => Promise.reject(new Error("no file")),
  });
  const clock = options.clock ?? systemClock;
  const app = createApp({
    config: await resolveConfig(config, { env: () => undefined }),
    clock,
    random: () => 0.5,
    fetch,
    limiter: options.limiter,
    store: options.store,
    log: createLog({
      level: "debug",
      format: "json",
      now: () => clock.date(),
      write: (line) => options.lines?.push(line),
    }),
  });
  const handle = async (request: Request) => checkResponse(request, await app.handle(request));
  const send = (path: string, body?: unknown, init: RequestInit = {}) =>
    handle(
      new Request(`http://localhost${path}`, {
        method: body === undefined ? "GET" : "POST",
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...init,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...init.headers as Record<string, string>,
        },
      }),
    );
  return {
    ...app,
    handle,
    send,
    chat: (body, init) =>
      send("/v1/chat/completions", {
        messages: [{ role: "user", content: "What is 2 + 2?" }],
        ...body,
      }, init),
    respond: (body, init) => send("/v1/responses", { input: "What is 2 + 2?", ...body }, init),
  };
}

/** A chunk of a stream. */
// deno-lint-ignore no-explicit-any -- tests read whatever came
export type Chunk = any;

/** A stream as a client reads it. */
export interface StreamText {
  /** The chunks, parsed. */
  chunks: Chunk[];
  /** All `delta.content`, joined. */
  content: string;
  /** All `delta.reasoning_content`, joined. */
  reasoning: string;
  /** Comments. */
  comments: string[];
  /** Whether `[DONE]` came, and came last. */
  done: boolean;
  /** The error frame's error, if one came. */
  error: Chunk | undefined;
}

/** Parses the whole text of a stream, strictly: what is no frame or comment is an error. */
export function parseStream(text: string): StreamText {
  const out: StreamText = {
    chunks: [],
    content: "",
    reasoning: "",
    comments: [],
    done: false,
    error: undefined,
  };
  for (const block of text.split("\n\n").filter((block) => block !== "")) {
    if (out.done) throw new Error(`something follows [DONE]: ${block}`);
    if (block.startsWith(": ")) {
      out.comments.push(block);
      continue;
    }
    if (!block.startsWith("data: ") || block.includes("\n")) {
      throw new Error(`no frame: ${block}`);
    }
    if (block === "data: [DONE]") {
      out.done = true;
      continue;
    }
    const chunk = JSON.parse(block.slice("data: ".length));
    if (chunk.error !== undefined) {
      out.error = chunk.error;
      continue;
    }
    out.chunks.push(chunk);
    const delta = chunk.choices[0]?.delta ?? {};
    out.content += delta.content ?? "";
    out.reasoning += delta.reasoning_content ?? "";
  }
  return out;
}

/** Reads a stream piece by piece. */
export function readStream(response: Response): {
  /** Reads on until the text so far satisfies the predicate, or the stream ends. */
  until(predicate: (text: StreamText) => boolean): Promise<StreamText>;
  /** Leaves. */
  cancel(): Promise<void>;
} {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    async until(predicate) {
      for (;;) {
        const parsed = parseStream(text);
        if (predicate(parsed)) return parsed;
        const { done, value } = await reader.read();
        if (done) return parseStream(text);
        text += decoder.decode(value, { stream: true });
      }
    },
    cancel: () => reader.cancel(),
  };
}
