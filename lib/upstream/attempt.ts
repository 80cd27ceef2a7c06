/**
 * One HTTP exchange with an upstream.
 *
 * @module
 */
import { BodyTooLargeError, type ByteReader, readBody, readText } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { createDeltaReader, type Delta, malformed } from "./deltas.ts";
import { UpstreamError } from "./errors.ts";
import type { UpstreamOptions } from "./options.ts";
import { retryAfterHeaders, retryAfterMs } from "./retry.ts";
import { createSseParser, type SseEvent } from "./sse.ts";
import { errorFromStatus, readErrorBody } from "./status.ts";
import { startWatchdog, type Watchdog } from "./timeouts.ts";

/** The part of `fetch` that is used, so that it can be another's. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What one exchange needs. */
export interface AttemptOptions {
  /** How to reach the upstream. */
  upstream: UpstreamOptions;
  /** The key to send, if any. */
  apiKey: string | undefined;
  /** The JSON body. */
  json: string;
  /** Whether a stream is asked for. */
  stream: boolean;
  /** Aborts the exchange. */
  signal: AbortSignal;
  /** The one clock. */
  clock: Clock;
  /** How to send it. */
  fetch: Fetch;
}

const MAX_BODY_BYTES = 33_554_432;
const MAX_ERROR_BYTES = 65_536;

/**
 * Sends a request and reads its answer, streamed or not, as deltas.
 *
 * @throws {UpstreamError} for every failure of the upstream's; the signal's reason on abort.
 */
export async function* attempt(options: AttemptOptions): AsyncGenerator<Delta> {
  const { upstream, signal, clock } = options;
  signal.throwIfAborted();
  const controller = new AbortController();
  const forward = () => controller.abort(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  let onlyTrailerMissing = false;
  let complete = false;
  const watchdog = startWatchdog(
    clock,
    upstream.timeouts,
    options.stream,
    (error) => {
      onlyTrailerMissing = error === undefined;
      controller.abort(
        error ?? new DOMException("Trailer is late", "TimeoutError"),
      );
    },
  );
  let reader: ByteReader | undefined;
  try {
    const response = await send(options, controller.signal);
    watchdog.headers();
    reader = readBody(response, controller.signal);
    if (response.status !== 200) {
      throw await errorFromResponse(response, reader, clock);
    }
    yield* read(response, reader, upstream.max_line_bytes, watchdog);
    complete = true;
  } catch (error) {
    signal.throwIfAborted();
    if (onlyTrailerMissing) return;
    throw classify(error);
  } finally {
    watchdog.stop();
    signal.removeEventListener("abort", forward);
    if (!complete) {
      reader?.close();
      // Frees a connection whose headers have not come yet.
      controller.abort();
    }
  }
}

function send(options: AttemptOptions, signal: AbortSignal): Promise<Response> {
  const headers = new Headers({
    "content-type": "application/json",
    accept: options.stream ? "text/event-stream" : "application/json",
    "user-agent": "o1-api",
  });
  if (options.apiKey) headers.set("authorization", `Bearer ${options.apiKey}`);
  for (const [name, value] of Object.entries(options.upstream.headers)) {
    headers.set(name, value);
  }
  const { base_url } = options.upstream;
  // A query, such as Azure's api-version, stays behind the path.
  const [base, query] = base_url.split("?", 2);
  return options.fetch(
    `${base}/chat/completions${query === undefined ? "" : `?${query}`}`,
    {
      method: "POST",
      headers,
      body: options.json,
      redirect: "manual",
      signal,
    },
  );
}

async function errorFromResponse(
  response: Response,
  reader: ByteReader,
  clock: Clock,
): Promise<UpstreamError> {
  const body = await readText(reader, MAX_ERROR_BYTES).catch((error) => {
    if (error instanceof UpstreamError) throw error;
    return "";
  });
  const wait = retryAfterMs(response.headers, clock.date());
  return errorFromStatus(response.status, readErrorBody(body), wait, {
    ...(wait === undefined ? {} : retryAfterHeaders(response.headers)),
  });
}

async function* read(
  response: Response,
  reader: ByteReader,
  maxLineLength: number,
  watchdog: Watchdog,
): AsyncGenerator<Delta> {
  const type = response.headers.get("content-type") ?? "";
  if (/\bjson\b/.test(type)) {
    yield* readJson(await readText(reader, MAX_BODY_BYTES));
    return;
  }
  if (!/event-stream|octet-stream|text\/plain/.test(type) && type !== "") {
    throw malformed();
  }
  yield* readStream(reader, maxLineLength, watchdog);
}

function readJson(text: string): Delta[] {
  const deltas = createDeltaReader();
  deltas.add(parse(text));
  if (!deltas.finished) throw malformed();
  return deltas.take();
}

async function* readStream(
  reader: ByteReader,
  maxLineLength: number,
  watchdog: Watchdog,
): AsyncGenerator<Delta> {
  const decoder = new TextDecoder();
  const parser = createSseParser(maxLineLength);
  const deltas = createDeltaReader();
  let waiting = true;
  let trailing = false;
  let done = false;
  while (true) {
    watchdog.reading();
    const bytes = await reader.read();
    watchdog.read();
    const events = bytes === undefined
      ? [...parser.push(decoder.decode()), ...parser.end()]
      : parser.push(decoder.decode(bytes, { stream: true }));
    for (const event of events) {
      if (done) break;
      if (event.data === "[DONE]") done = true;
      else readEvent(event, deltas.add);
    }
    const ready = deltas.take();
    if (waiting && ready.length > 0) {
      waiting = false;
      watchdog.firstToken();
    }
    if (done) watchdog.done();
    else if (deltas.finished && !trailing) {
      trailing = true;
      watchdog.finished();
    }
    yield* ready;
    // Reading on to the end of the body, which is mostly there, keeps the connection for reuse.
    if (bytes === undefined) break;
  }
  if (!deltas.finished && !(done && !waiting)) {
    throw new UpstreamError(
      "upstream_error",
      "The upstream's stream ended before the answer was complete.",
      { isRetryable: true },
    );
  }
}

function readEvent(event: SseEvent, add: (json: unknown) => void): void {
  if (event.data === "") return;
  if (event.event === "error") {
    const json = tryParse(event.data);
    add(
      typeof json === "object" && json !== null && "error" in json
        ? json
        : { error: json ?? event.data },
    );
    return;
  }
  const json = tryParse(event.data);
  if (json !== undefined) return add(json);
  // Some servers leave out the blank line between events.
  for (const line of event.data.split("\n")) {
    if (line !== "[DONE]") add(parse(line));
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  const json = tryParse(text);
  if (json === undefined) throw malformed();
  return json;
}

/** What `fetch`, a body or a limit threw, as an error for clients. */
function classify(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  if (error instanceof BodyTooLargeError || error instanceof RangeError) {
    return new UpstreamError(
      "upstream_error",
      "The upstream's answer is too large.",
      {
        cause: error,
      },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  if (
    error instanceof TypeError && /error reading a body|body/i.test(message)
  ) {
    return new UpstreamError(
      "upstream_error",
      "The connection to the upstream broke before the answer was complete.",
      { isRetryable: true, cause: error },
    );
  }
  return new UpstreamError(
    "upstream_unreachable",
    "The upstream can't be reached.",
    {
      isRetryable: !/Requests to port|permission|invalid url/i.test(message),
      cause: error,
    },
  );
}
