import type { Clock } from "../clock.ts";
import { UpstreamError } from "./errors/upstream_error.ts";
import type { UpstreamOptions } from "./options.ts";
import { retryAfterHeaders, retryAfterMs } from "./retry.ts";
import { startWatchdog, type Watchdog } from "./timeouts.ts";
import { type ByteReader, readBody } from "./wire/bytes.ts";
import {
  type CompletionOptions,
  type CompletionReader,
  readCompletion,
} from "./wire/completion.ts";
import type { Delta } from "./wire/deltas.ts";
import { cleanMessage, errorFromStatus, readErrorBody } from "./errors/error_response.ts";
import { withoutSecrets } from "./wire/secrets.ts";

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface AttemptOptions extends CompletionOptions {
  upstream: UpstreamOptions;
  apiKey: string | undefined;
  /** The JSON body. */
  body: string | Blob;
  /** Value of {@linkcode HOPS_HEADER}. */
  hops: string | undefined;
  signal: AbortSignal;
  clock: Clock;
  fetch: Fetch;
}

/** Header with the ids of the servers that a request has passed, to detect loops. */
export const HOPS_HEADER = "x-o1-api-hops";

const MAX_ERROR_BYTES = 65_536;

/** Prepares one HTTP exchange with an upstream. */
export function attempt(options: AttemptOptions) {
  const { upstream, signal, clock } = options;
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  let complete = false;
  let watchdog: Watchdog | undefined;
  let reader: ByteReader | undefined;
  let completion: CompletionReader | undefined;

  async function open(): Promise<CompletionReader> {
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    watchdog = startWatchdog(
      clock,
      upstream.timeouts,
      options.stream,
      (error) => controller.abort(error),
    );
    const response = await send(options, controller.signal);
    watchdog.headersReceived();
    reader = readBody(response, controller.signal);
    if (response.status !== 200) throw await errorFromResponse(response, reader, options);
    return readCompletion(response, reader, watchdog, options);
  }

  return {
    /**
     * Sends the request at the first call. Returns the next deltas, possibly none, or undefined at
     * the end.
     *
     * @throws {UpstreamError} for every failure of the upstream; the signal's reason on abort.
     */
    async read(): Promise<Delta[] | undefined> {
      try {
        const deltas = await (completion ??= await open()).read();
        if (deltas === undefined) {
          signal.throwIfAborted();
          complete = true;
        }
        return deltas;
      } catch (caught) {
        signal.throwIfAborted();
        const error = toUpstreamError(caught);
        error.message = withoutSecrets(error.message, upstream);
        error.detail = withoutSecrets(error.detail, upstream);
        throw error;
      }
    },
    /** Aborts the exchange if it is not over; must be called in any case. */
    close(): void {
      watchdog?.stop();
      signal.removeEventListener("abort", onAbort);
      if (complete) return;
      reader?.close();
      // Also frees a connection that is still waiting for headers.
      controller.abort();
    },
  };
}

function send(options: AttemptOptions, signal: AbortSignal): Promise<Response> {
  const { upstream, apiKey, body, stream, fetch } = options;
  const headers = headersFor(upstream, apiKey, {
    "content-type": "application/json",
    ...(stream ? { accept: "text/event-stream" } : {}),
    ...(options.hops ? { [HOPS_HEADER]: options.hops } : {}),
  });
  const url = urlOf(upstream, "/chat/completions");
  return fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
}

/** Returns the headers of a request, with those of the upstream's settings. */
export function headersFor(
  upstream: UpstreamOptions,
  apiKey: string | undefined,
  more: Record<string, string> = {},
): Record<string, string> {
  const headers: Record<string, string> = {
    accept: "application/json",
    "user-agent": "o1-api",
    ...more,
  };
  if (apiKey) headers.authorization = `Bearer ${apiKey}`;
  // In lower case, a header of the settings replaces the one above, whatever its case.
  for (const [name, value] of Object.entries(upstream.headers)) headers[name.toLowerCase()] = value;
  return headers;
}

/** Returns the URL of an endpoint. A query, such as Azure's api-version, follows the path. */
export function urlOf(upstream: UpstreamOptions, path: string): string {
  const [base, query] = upstream.base_url.split("?", 2);
  return `${base}${path}${query === undefined ? "" : `?${query}`}`;
}

export async function errorFromResponse(
  response: Response,
  reader: ByteReader,
  { upstream, clock }: Pick<AttemptOptions, "upstream" | "clock">,
): Promise<UpstreamError> {
  const body = await reader.text(MAX_ERROR_BYTES).catch((error) => {
    if (error instanceof UpstreamError) throw error;
    return "";
  });
  const delayMs = retryAfterMs(response.headers, clock.date());
  return errorFromStatus(
    response.status,
    readErrorBody(withoutSecrets(body, upstream)),
    delayMs === undefined
      ? {}
      : { retryAfterMs: delayMs, retryAfterHeaders: retryAfterHeaders(response.headers) },
  );
}

/** Converts what `fetch`, a body or a limit threw. */
export function toUpstreamError(cause: unknown): UpstreamError {
  if (cause instanceof UpstreamError) return cause;
  if (cause instanceof RangeError) {
    return new UpstreamError("upstream_error", "The upstream's answer is too large.", { cause });
  }
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error instanceof TypeError && /body/i.test(error.message)) {
    return new UpstreamError(
      "upstream_error",
      "The connection to the upstream was lost before the answer was complete.",
      { isRetryable: true, cause },
    );
  }
  // `fetch` says why in the cause of its error.
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  return new UpstreamError("upstream_unreachable", "The upstream can't be reached.", {
    isRetryable: !/Requests to port|permission|invalid url/i.test(reason),
    detail: cleanMessage(reason.replace(/^error sending request.*?\): /, "")),
    cause,
  });
}
