/**
 * One HTTP exchange with an upstream.
 *
 * @module
 */
import { BodyTooLargeError, type ByteReader, readBody } from "./wire/bytes.ts";
import type { Clock } from "../clock.ts";
import { type CompletionReader, readCompletion } from "./wire/completion.ts";
import type { Delta } from "./wire/deltas.ts";
import { UpstreamError } from "./errors.ts";
import type { UpstreamOptions } from "./options.ts";
import { retryAfterHeaders, retryAfterMs } from "./retry.ts";
import { withoutSecrets } from "./wire/secrets.ts";
import { errorFromStatus, readErrorBody } from "./wire/error_response.ts";
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

const MAX_ERROR_BYTES = 65_536;

/** One exchange, read piece by piece: a generator would cost every token twice its passing on. */
export interface Attempt {
  /**
   * What came next, which may be nothing; undefined at the end. The first call sends the request.
   *
   * @throws {UpstreamError} for every failure of the upstream's; the signal's reason on abort.
   */
  read(): Promise<Delta[] | undefined>;
  /** Ends the exchange, where it is not over, and all that watches it. */
  close(): void;
}

/** Prepares an exchange; whoever reads it closes it. */
export function attempt(options: AttemptOptions): Attempt {
  const { upstream, signal, clock } = options;
  const controller = new AbortController();
  const forward = () => controller.abort(signal.reason);
  let onlyTrailerMissing = false;
  let complete = false;
  let watchdog: Watchdog | undefined;
  let reader: ByteReader | undefined;
  let body: CompletionReader | undefined;

  async function open(): Promise<CompletionReader> {
    signal.throwIfAborted();
    signal.addEventListener("abort", forward, { once: true });
    watchdog = startWatchdog(clock, upstream.timeouts, options.stream, (error) => {
      onlyTrailerMissing = error === undefined;
      controller.abort(error ?? new DOMException("Trailer is late", "TimeoutError"));
    });
    const response = await send(options, controller.signal);
    watchdog.headers();
    reader = readBody(response, controller.signal);
    if (response.status !== 200) throw await errorFromResponse(response, reader, options);
    return readCompletion(response, reader, upstream.max_line_bytes, watchdog);
  }

  return {
    async read() {
      try {
        const deltas = await (body ??= await open()).read();
        if (deltas === undefined) {
          signal.throwIfAborted();
          complete = true;
        }
        return deltas;
      } catch (error) {
        signal.throwIfAborted();
        if (onlyTrailerMissing) return undefined;
        const classified = classify(error);
        classified.message = withoutSecrets(classified.message, upstream);
        throw classified;
      }
    },
    close() {
      watchdog?.stop();
      signal.removeEventListener("abort", forward);
      if (complete) return;
      reader?.close();
      // Frees a connection whose headers have not come yet.
      controller.abort();
    },
  };
}

function send(options: AttemptOptions, signal: AbortSignal): Promise<Response> {
  // A plain object, which `fetch` copies faster than `Headers`.
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: options.stream ? "text/event-stream" : "application/json",
    "user-agent": "o1-api",
  };
  if (options.apiKey) headers.authorization = `Bearer ${options.apiKey}`;
  for (const [name, value] of Object.entries(options.upstream.headers)) {
    headers[name.toLowerCase()] = value;
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
  { upstream, clock }: AttemptOptions,
): Promise<UpstreamError> {
  const body = await reader.text(MAX_ERROR_BYTES).catch((error) => {
    if (error instanceof UpstreamError) throw error;
    return "";
  });
  const wait = retryAfterMs(response.headers, clock.date());
  return errorFromStatus(response.status, readErrorBody(withoutSecrets(body, upstream)), wait, {
    ...(wait === undefined ? {} : retryAfterHeaders(response.headers)),
  });
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
