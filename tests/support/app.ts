import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { strategyTable } from "../../lib/config/strategy_files.ts";
import { type App, createApp, type WorkerGroup } from "../../lib/server/app.ts";
import { createLog } from "../../lib/server/telemetry/log.ts";
import type { Store } from "../../lib/store/store.ts";
import type { Limiter } from "../../lib/store/limiter.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { checkResponse } from "../spec/checked_response.ts";
import { limitReads, waitFor } from "./wait.ts";

export const TOKEN = "test-token-4711";

export interface TestAppOptions {
  /** Base URL of the upstream. */
  upstream: string;
  /** The rest of config.yaml; UPSTREAM stands for the base URL. */
  yaml?: string;
  /** Texts of the files that config.yaml names, by absolute path; it is /etc/o1/config.yaml. */
  files?: Record<string, string>;
  /** First line of config.yaml. Default: sets `api_bearer_token` to TOKEN. */
  tokenLine?: string;
  clock?: Clock;
  store?: Store;
  limiter?: Limiter;
  workerGroup?: WorkerGroup;
  /** Sends requests to upstreams. Default: the global one. */
  fetch?: typeof fetch;
  /** Receives the lines of the log. */
  lines?: string[];
}

/** An app and ways to call it. Responses are validated against OpenAI's specification. */
export interface TestApp extends App {
  /** Sends a request with the token. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
  /** Sends a Chat Completions request. */
  chat(body: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  /** Sends a Responses request. */
  respond(body: Record<string, unknown>, init?: RequestInit): Promise<Response>;
}

/** Creates an app with short delays before retries. */
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
    file: "/etc/o1/config.yaml",
    env: () => undefined,
    readFile(path) {
      const text = options.files?.[path];
      return text === undefined
        ? Promise.reject(new Deno.errors.NotFound(path))
        : Promise.resolve(text);
    },
  });
  const clock = options.clock ?? systemClock;
  const app = createApp({
    config: resolveConfig(config, {
      env: () => undefined,
      strategies: await strategyTable(config.strategies),
    }),
    clock,
    random: () => 0.5,
    fetch: options.fetch ?? fetch,
    limiter: options.limiter,
    store: options.store,
    workerGroup: options.workerGroup,
    log: createLog({
      level: "debug",
      format: "json",
      now: () => clock.date(),
      write: (line) => options.lines?.push(line),
    }),
  });
  const handle = async (request: Request) => {
    const response = await waitFor(`the response to ${request.url}`, app.handle(request));
    const what = () => `the next part of the response to ${request.url}`;
    return limitReads(checkResponse(request, response), what);
  };
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

// deno-lint-ignore no-explicit-any -- tests read any field
export type Chunk = any;

export interface StreamText {
  chunks: Chunk[];
  /** All `delta.content`, joined. */
  content: string;
  /** All `delta.reasoning_content`, joined. */
  reasoning: string;
  comments: string[];
  /** True after `[DONE]`. */
  done: boolean;
  /** The error of the error frame, if there is one. */
  error: Chunk | undefined;
}

/** Parses the text of a stream; throws for anything but frames and comments, and after `[DONE]`. */
export function parseStream(text: string): StreamText {
  const out: StreamText = {
    chunks: [],
    content: "",
    reasoning: "",
    comments: [],
    done: false,
    error: undefined,
  };
  for (const frame of text.split("\n\n").filter((frame) => frame !== "")) {
    if (out.done) throw new Error(`text after [DONE]: ${frame}`);
    const block = frame.replace(/^: [^\n]*\n?/gm, (comment) => {
      out.comments.push(comment.trimEnd());
      return "";
    });
    if (block === "") continue;
    if (!block.startsWith("data: ") || block.includes("\n")) {
      throw new Error(`not a frame: ${block}`);
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

export function readStream(response: Response): {
  /** Reads until the stream so far satisfies the predicate, or ends. */
  until(predicate: (text: StreamText) => boolean): Promise<StreamText>;
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
        const { done, value } = await waitFor(
          () => `a stream that satisfies ${predicate}, after ${text}`,
          reader.read(),
        );
        if (done) return parseStream(text);
        text += decoder.decode(value, { stream: true });
      }
    },
    cancel: () => reader.cancel(),
  };
}
