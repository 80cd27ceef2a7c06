/**
 * Sends requests and records what the client sees.
 *
 * @module
 */
import { KEYS } from "./server.ts";
import { mark, type Tokens } from "./upstream.ts";

/** Name of a key. */
export type Who = keyof typeof KEYS;

export interface Ask {
  who: Who;
  /** Default: POST. */
  method?: string;
  /** Path after /v1. */
  path: string;
  /** `%` is replaced by the request's mark. */
  body?: Record<string, unknown>;
  /** Time after which the client disconnects, in milliseconds. */
  disconnectMs?: number | undefined;
  /** Delay before each read of the answer, in milliseconds. */
  readDelayMs?: number | undefined;
}

/** The client's record of a request. */
export interface Entry {
  number: string;
  who: Who;
  /** `chat`, `responses`, `messages`, or `other`. */
  dialect: string;
  model: string | undefined;
  /** Undefined without a response. */
  status: number | undefined;
  disconnected: boolean;
  complete: boolean;
  /** Error code in the answer. */
  error: string | undefined;
  /** `usage.upstream` of the answer. */
  reported: (Tokens & { estimated: boolean }) | undefined;
  /** `usage` of the answer without `upstream`. */
  shown: { input: number; output: number } | undefined;
}

export interface Answer {
  entry: Entry;
  /** The JSON answer, or the last response object of a stream of `/responses`. */
  // deno-lint-ignore no-explicit-any -- answers have no schema here
  json: any;
  headers: Headers;
}

export interface Client {
  /** All requests so far. */
  entries: readonly Entry[];
  /** Sends a request and reads its answer. Never throws. */
  ask(ask: Ask): Promise<Answer>;
  close(): void;
}

const DIALECTS: Record<string, string> = {
  "/chat/completions": "chat",
  "/responses": "responses",
  "/messages": "messages",
};

/** The id of a request in the log. */
export const requestId = (number: string) => `soak-${number}`;

export function createClient(url: string): Client {
  const http = Deno.createHttpClient({});
  const entries: Entry[] = [];
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  return {
    entries,
    async ask({ who, method = "POST", path, body, disconnectMs, readDelayMs }) {
      const number = String(entries.length);
      const entry: Entry = {
        number,
        who,
        dialect: (method === "POST" && DIALECTS[path]) || "other",
        model: body?.model as string | undefined,
        status: undefined,
        disconnected: false,
        complete: false,
        error: undefined,
        reported: undefined,
        shown: undefined,
      };
      entries.push(entry);
      const answer: Answer = { entry, json: undefined, headers: new Headers() };
      const disconnect = new AbortController();
      const timer = disconnectMs === undefined ? undefined : setTimeout(() => {
        entry.disconnected = true;
        disconnect.abort();
      }, disconnectMs);
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          client: http,
          signal: disconnect.signal,
          headers: {
            authorization: `Bearer ${KEYS[who]}`,
            "content-type": "application/json",
            "x-request-id": requestId(number),
          },
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body).replaceAll("%", mark(number)) }),
        });
        entry.status = response.status;
        answer.headers = response.headers;
        const pieces: string[] = [];
        const decoder = new TextDecoder();
        for await (const bytes of response.body ?? []) {
          pieces.push(decoder.decode(bytes, { stream: true }));
          if (readDelayMs !== undefined) await sleep(readDelayMs);
        }
        const text = pieces.join("");
        const isStream = response.headers.get("content-type")?.includes("event-stream") ?? false;
        if (isStream) readStream(text, answer);
        else readJson(text, answer);
      } catch (error) {
        if (!entry.disconnected) entry.error = String(error);
      } finally {
        clearTimeout(timer);
        // A client with a complete answer has not disconnected, even if the timer fired.
        if (entry.complete) entry.disconnected = false;
      }
      return answer;
    },
    close: () => http.close(),
  };
}

function readJson(text: string, answer: Answer): void {
  const { entry } = answer;
  answer.json = text === "" ? undefined : JSON.parse(text);
  entry.complete = true;
  if (entry.status !== 200) {
    entry.error = answer.json?.error?.code ?? answer.json?.error?.type ?? "?";
  } else record(answer.json?.usage, entry);
}

function readStream(text: string, answer: Answer): void {
  const { entry } = answer;
  for (const [, data] of text.matchAll(/^data: (.*)$/gm)) {
    if (data === "[DONE]") {
      entry.complete = true;
      continue;
    }
    const json = JSON.parse(data!);
    const { type } = json;
    if (json.error && (type === undefined || type === "error")) {
      entry.error = json.error.code ?? json.error.type ?? "?";
      entry.complete = true;
    } else if (type === "error") {
      entry.error = json.code ?? "?";
      entry.complete = true;
    }
    if (json.response !== undefined) answer.json = json.response;
    if (type === "response.failed") entry.error = json.response.error?.code ?? "?";
    if (/^response\.(completed|incomplete|failed)$/.test(type ?? "") || type === "message_stop") {
      entry.complete = true;
    }
    record(json.usage ?? json.response?.usage, entry);
  }
}

// deno-lint-ignore no-explicit-any -- answers have no schema here
function record(usage: any, entry: Entry): void {
  const sums = usage?.upstream;
  if (sums === undefined) return;
  entry.reported = {
    input: sums.prompt_tokens,
    cached: sums.cached_tokens,
    output: sums.completion_tokens,
    estimated: sums.estimated,
  };
  entry.shown = {
    // Messages counts cached tokens separately.
    input: (usage.prompt_tokens ?? usage.input_tokens) + (usage.cache_read_input_tokens ?? 0),
    output: usage.completion_tokens ?? usage.output_tokens,
  };
}
