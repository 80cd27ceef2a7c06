/**
 * One client request, and what came of it as the client saw it.
 *
 * @module
 */
import { KEYS } from "./server.ts";
import { mark, type Tokens } from "./upstream.ts";

/** Who asks. */
export type Who = keyof typeof KEYS;

/** A request. */
export interface Ask {
  /** Who asks. */
  who: Who;
  /** The method; default POST. */
  method?: string;
  /** The path behind /v1. */
  path: string;
  /** The body; `%` in its texts is put for the mark of the request. */
  body?: Record<string, unknown>;
  /** When the client leaves, in milliseconds after its request, if it does. */
  leaveMs?: number | undefined;
  /** The wait before each read of the answer, in milliseconds. */
  slowMs?: number | undefined;
}

/** A request in the client's books. */
export interface Entry {
  /** Its number. */
  number: string;
  /** Who asked. */
  who: Who;
  /** `chat`, `responses`, `messages`, or `other`. */
  dialect: string;
  /** The model asked. */
  model: string | undefined;
  /** The HTTP status; undefined where none came. */
  status: number | undefined;
  /** Whether the client left. */
  left: boolean;
  /** Whether the answer came to its proper end. */
  whole: boolean;
  /** The error that the answer held. */
  error: string | undefined;
  /** The tokens that the answer told of. */
  told: (Tokens & { estimated: boolean }) | undefined;
  /** The tokens of the answer itself, as OpenAI counts them. */
  shown: { input: number; output: number } | undefined;
}

/** What a request came to. */
export interface Answer {
  /** Its entry in the books. */
  entry: Entry;
  /** The JSON answer, or the response that a stream of `/responses` told of last. */
  // deno-lint-ignore no-explicit-any -- reads whatever was sent
  json: any;
  /** The headers. */
  headers: Headers;
}

/** A client and its books. */
export interface Client {
  /** Every request so far. */
  entries: readonly Entry[];
  /** Sends a request and reads its answer. Never throws. */
  ask(ask: Ask): Promise<Answer>;
  /** Closes all connections. */
  close(): void;
}

const DIALECTS: Record<string, string> = {
  "/chat/completions": "chat",
  "/responses": "responses",
  "/messages": "messages",
};

/** The id under which a request is logged. */
export const requestId = (number: string) => `soak-${number}`;

/** Creates a client of the server at a URL. */
export function createClient(url: string): Client {
  const http = Deno.createHttpClient({});
  const entries: Entry[] = [];
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  return {
    entries,
    async ask({ who, method = "POST", path, body, leaveMs, slowMs }) {
      const number = String(entries.length);
      const entry: Entry = {
        number,
        who,
        dialect: (method === "POST" && DIALECTS[path]) || "other",
        model: body?.model as string | undefined,
        status: undefined,
        left: false,
        whole: false,
        error: undefined,
        told: undefined,
        shown: undefined,
      };
      entries.push(entry);
      const answer: Answer = { entry, json: undefined, headers: new Headers() };
      const leaving = new AbortController();
      const timer = leaveMs === undefined ? undefined : setTimeout(() => {
        entry.left = true;
        leaving.abort();
      }, leaveMs);
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          client: http,
          signal: leaving.signal,
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
          if (slowMs !== undefined) await sleep(slowMs);
        }
        const text = pieces.join("");
        const isStream = response.headers.get("content-type")?.includes("event-stream") ?? false;
        if (isStream) readStream(text, answer);
        else readWhole(text, answer);
      } catch (error) {
        if (!entry.left) entry.error = String(error);
      } finally {
        clearTimeout(timer);
        // Whoever has all of the answer has not left, however late it is.
        if (entry.whole) entry.left = false;
      }
      return answer;
    },
    close: () => http.close(),
  };
}

function readWhole(text: string, answer: Answer): void {
  const { entry } = answer;
  answer.json = text === "" ? undefined : JSON.parse(text);
  entry.whole = true;
  if (entry.status !== 200) {
    entry.error = answer.json?.error?.code ?? answer.json?.error?.type ?? "?";
  } else note(answer.json?.usage, entry);
}

function readStream(text: string, answer: Answer): void {
  const { entry } = answer;
  for (const [, data] of text.matchAll(/^data: (.*)$/gm)) {
    if (data === "[DONE]") {
      entry.whole = true;
      continue;
    }
    const json = JSON.parse(data!);
    const { type } = json;
    if (json.error && (type === undefined || type === "error")) {
      entry.error = json.error.code ?? json.error.type ?? "?";
      entry.whole = true;
    } else if (type === "error") {
      entry.error = json.code ?? "?";
      entry.whole = true;
    }
    if (json.response !== undefined) answer.json = json.response;
    if (type === "response.failed") entry.error = json.response.error?.code ?? "?";
    if (/^response\.(completed|incomplete|failed)$/.test(type ?? "") || type === "message_stop") {
      entry.whole = true;
    }
    note(json.usage ?? json.response?.usage, entry);
  }
}

// deno-lint-ignore no-explicit-any -- reads whatever was sent
function note(usage: any, entry: Entry): void {
  const sums = usage?.upstream;
  if (sums === undefined) return;
  entry.told = {
    input: sums.prompt_tokens,
    cached: sums.cached_tokens,
    output: sums.completion_tokens,
    estimated: sums.estimated,
  };
  entry.shown = {
    // In Messages what came from a cache stands beside.
    input: (usage.prompt_tokens ?? usage.input_tokens) + (usage.cache_read_input_tokens ?? 0),
    output: usage.completion_tokens ?? usage.output_tokens,
  };
}
