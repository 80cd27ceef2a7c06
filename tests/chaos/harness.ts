/**
 * The server with real sockets on both sides and with faulty upstreams.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTestApp, parseStream, type TestApp, TOKEN } from "../support/app.ts";
import { patientClock } from "../support/clock.ts";
import { reasoning } from "../support/faulty/answers.ts";
import type { Ending, Fault, Mode, Outcome, Strategy } from "./faults/fault.ts";
import { type FaultyUpstream, startFaultyUpstream } from "../support/faulty/upstream.ts";

/** Maximum duration of every request of these tests. */
export const DEADLINE_MS = 30_000;

const KEY = "upstream-key-4711";
const TIMEOUTS = { headers_ms: 20_000, first_token_ms: 20_000, idle_ms: 20_000, total_ms: 25_000 };
const RETRY = { base_ms: 1, max_ms: 50 };

/** The text that the client of a stream has read so far. */
export interface Progress {
  /** Resolves when the client has read this text. */
  seen(text: string): Promise<void>;
  push(text: string): void;
}

export function createProgress(): Progress {
  let received = "";
  const waiting = new Set<{ text: string; resolve: () => void }>();
  return {
    seen(text) {
      if (received.includes(text)) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ text, resolve }));
    },
    push(text) {
      received += text;
      for (const waiter of waiting) {
        if (!received.includes(waiter.text)) continue;
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
  };
}

/** An app with a listening server. */
export interface Product extends AsyncDisposable {
  app: TestApp;
  /** Log lines. */
  lines: string[];
  ask(
    model: string,
    mode: Mode,
    init?: { question?: string; signal?: AbortSignal },
  ): Promise<Response>;
}

export interface ConfiguredUpstream {
  url: string;
  /** Settings that differ from those of {@linkcode startProduct}. */
  settings?: Record<string, unknown> | undefined;
}

export interface ProductOptions {
  /** By name. */
  upstreams: Record<string, ConfiguredUpstream>;
  /** By name. Default: `direct` and `steps` with all upstreams. */
  models?: Record<string, object>;
  server?: Record<string, unknown> | undefined;
}

/** A model that makes two steps, or three if one is cut off. */
export function modelOver(strategy: Strategy, upstream: string | string[]): object {
  const options = strategy === "steps" ? { min_steps: 2, max_steps: 3 } : {};
  return { strategy, upstream, model: "scripted-model", options };
}

export async function startProduct(options: ProductOptions): Promise<Product> {
  const names = Object.keys(options.upstreams);
  const config = {
    server: {
      commit_after_ms: 20_000,
      request_timeout_ms: DEADLINE_MS,
      stream_timeout_ms: DEADLINE_MS,
      ...options.server,
    },
    upstreams: Object.fromEntries(
      Object.entries(options.upstreams).map(([name, { url, settings = {} }]) => [name, {
        base_url: url,
        api_key: KEY,
        ...settings,
        timeouts: { ...TIMEOUTS, ...settings.timeouts as object },
        retry: { ...RETRY, ...settings.retry as object },
      }]),
    ),
    models: options.models ??
      { direct: modelOver("direct", names), steps: modelOver("steps", names) },
    stream_status_feedback: false,
  };
  const lines: string[] = [];
  // JSON is valid YAML.
  const yaml = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const app = await createTestApp({
    upstream: "",
    yaml: yaml.join("\n"),
    lines,
    clock: patientClock,
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, app.handle);
  const url = `http://127.0.0.1:${server.addr.port}/v1/chat/completions`;
  return {
    app,
    lines,
    ask: (model, mode, { question = "What is 2 + 2?", signal } = {}) =>
      fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({
          model,
          stream: mode === "stream",
          messages: [{ role: "user", content: question }],
        }),
        ...(signal === undefined ? {} : { signal }),
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Returns a port on which nothing listens: below the range of ephemeral ports. */
export function closedUrl(): string {
  return "http://127.0.0.1:3/v1";
}

export function urlFor(fault: Fault, upstream: FaultyUpstream): string {
  if (fault.at === "closed port") return closedUrl();
  if (fault.at !== "no such host") return upstream.url;
  const host = "no-such-host.invalid";
  // Without the permission the call would fail before the name is looked up.
  assertEquals(Deno.permissions.querySync({ name: "net", host }).state, "granted");
  return `http://${host}/v1`;
}

export async function readAnswer(response: Response, progress: Progress): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    const more = decoder.decode(bytes, { stream: true });
    text += more;
    progress.push(more);
  }
  return text;
}

/** Asserts that an answer ends as expected and contains no secrets. */
export function checkEnding(
  ending: Ending,
  strategy: Strategy,
  mode: Mode,
  response: Response,
  text: string,
): void {
  if ("status" in ending) return checkError(ending, response, text);
  assertEquals(response.status, 200, text);
  const thoughts = ending.reasoning ??
    ("whole" in ending && strategy === "steps" ? reasoning(2) : "");
  if (mode === "json") {
    assert("whole" in ending);
    const [choice] = JSON.parse(text).choices;
    assertEquals(choice.message.content, ending.whole);
    assertEquals(choice.message.reasoning_content ?? "", thoughts);
    return;
  }
  const stream = parseStream(text);
  if ("whole" in ending) {
    assertEquals(stream.error, undefined);
    assertEquals(stream.content, ending.whole);
    assert(stream.done, "[DONE] is missing");
  } else {
    assertEquals(stream.error?.code, ending.frame, text);
    assert(!stream.done, "[DONE] follows an error");
    assertEquals(stream.content, ending.content ?? "");
    assertSecret(stream.error.message);
  }
  assertEquals(stream.reasoning, thoughts);
}

function checkError(
  ending: Extract<Ending, { status: number }>,
  response: Response,
  text: string,
): void {
  assertEquals(response.status, ending.status, text);
  assertStringIncludes(response.headers.get("content-type") ?? "", "application/json");
  const { error } = JSON.parse(text);
  assertEquals(error.code, ending.code);
  assertEquals(Object.keys(error).sort(), ["code", "message", "param", "type"]);
  assertSecret(error.message);
  for (const [name, pattern] of Object.entries(ending.headers ?? {})) {
    assertMatch(response.headers.get(name) ?? "", pattern, name);
  }
}

function assertSecret(message: string): void {
  for (const word of ["127.0.0.1", "no-such-host", KEY, "key-1", ".ts", "undefined", "[object"]) {
    assert(!message.includes(word), `the message contains ${word}: ${message}`);
  }
}

/** Runs one cell of the table and asserts its outcome. */
export async function runCell(fault: Fault, strategy: Strategy, mode: Mode): Promise<void> {
  const outcome: Outcome = fault.outcomes[strategy][mode];
  const progress = createProgress();
  const { seen } = progress;
  await using upstream = startFaultyUpstream({ play: fault.play, seen });
  await using second = startFaultyUpstream({ play: fault.second ?? fault.play, seen });
  const settings = fault.upstream;
  await using product = await startProduct({
    upstreams: {
      first: { url: urlFor(fault, upstream), settings },
      ...(fault.second === undefined ? {} : { second: { url: second.url, settings } }),
    },
    server: fault.server,
  });
  const start = patientClock.now();
  const response = await product.ask(strategy, mode);
  const text = await readAnswer(response, progress);
  assert(patientClock.now() - start < DEADLINE_MS, "it took too long");
  checkEnding(outcome, strategy, mode, response, text);
  await upstream.idle();
  await second.idle();
  assertEquals(upstream.calls.length, outcome.requests, "calls to the upstream");
  assertEquals(second.calls.length, outcome.second ?? 0, "calls to the second upstream");
  if (fault.retries !== undefined) {
    assertEquals(JSON.parse(product.lines.at(-1)!).retries, fault.retries, "retries");
  }
  const maxWritten = fault.maxWritten?.[mode];
  if (maxWritten !== undefined) {
    assert(upstream.written < maxWritten, `read ${upstream.written} bytes`);
  }
}
