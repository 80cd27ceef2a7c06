/**
 * Asks a model one question over the OpenAI API, as a client would, and measures it.
 *
 * @module
 */
import { readBody } from "../../upstream/wire/bytes.ts";
import { type Clock, sleep } from "../../clock.ts";
import { backoffMs, retryAfterMs } from "../../upstream/retry.ts";
import { type Answer, AskError, connectionMessage, readErrorObject } from "./answer.ts";
import { readAnswer } from "./stream.ts";

/**
 * Asks a model.
 *
 * @throws {AskError} when no answer comes, and the signal's reason once it is aborted.
 */
export type Ask = (model: string, question: string, signal: AbortSignal) => Promise<Answer>;

/** What asking needs from outside. */
export interface AskOptions {
  /** The API's base URL, without a slash at its end. */
  baseUrl: string;
  /** What is sent as bearer token; undefined for none. */
  apiKey: string | undefined;
  /** Sends a request. */
  send(request: Request): Promise<Response>;
  /** How often one question is asked at most, where a failure may pass. */
  attempts: number;
  /** Longest time of one attempt, in milliseconds. */
  timeoutMs: number;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1, for the waits between attempts. */
  random: () => number;
}

const BACKOFF = { base_ms: 1_000, max_ms: 30_000 };
const MAX_WAIT_MS = 120_000;
const MAX_ERROR_BYTES = 65_536;

/** Creates what asks; only the attempt that is answered is measured. */
export function createAsk(options: AskOptions): Ask {
  const { clock, attempts } = options;
  return async (model, question, signal) => {
    for (let attempt = 1;; attempt++) {
      try {
        return await askOnce(options, model, question, signal);
      } catch (error) {
        signal.throwIfAborted();
        const mayRepeat = error instanceof AskError && error.isRetryable && attempt < attempts;
        if (!mayRepeat) throw error;
        const wait = error.waitMs ?? backoffMs(attempt, BACKOFF, options.random());
        await sleep(clock, Math.min(wait, MAX_WAIT_MS), signal);
      }
    }
  };
}

async function askOnce(
  options: AskOptions,
  model: string,
  question: string,
  signal: AbortSignal,
): Promise<Answer> {
  const { clock, timeoutMs } = options;
  signal.throwIfAborted();
  const over = new AbortController();
  const cancel = clock.timer(timeoutMs, () => {
    over.abort(new AskError("timeout", `no answer within ${timeoutMs / 1000} s`));
  });
  const either = AbortSignal.any([signal, over.signal]);
  const start = clock.now();
  try {
    const response = await options.send(requestOf(options, model, question, either));
    if (!response.ok) throw await errorOf(response, either, clock);
    return await readAnswer(readBody(response, either), () => clock.now() - start);
  } catch (error) {
    // Whatever an abort looks like from inside, its reason says more.
    either.throwIfAborted();
    if (error instanceof AskError) throw error;
    throw new AskError("connection_error", connectionMessage(error), true);
  } finally {
    cancel();
  }
}

function requestOf(
  { baseUrl, apiKey }: AskOptions,
  model: string,
  question: string,
  signal: AbortSignal,
): Request {
  const body = {
    model,
    messages: [{ role: "user", content: question }],
    stream: true,
    stream_options: { include_usage: true },
  };
  return new Request(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
    signal,
  });
}

/** Statuses after which the same request may do better. */
const RETRYABLE = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

async function errorOf(response: Response, signal: AbortSignal, clock: Clock): Promise<AskError> {
  const { status, headers } = response;
  const text = await readBody(response, signal).text(MAX_ERROR_BYTES).catch(() => "");
  const said = errorFields(text);
  const mayRepeat = RETRYABLE.has(status) && headers.get("x-should-retry") !== "false";
  return new AskError(
    said.code ?? `http_${status}`,
    said.message ?? `HTTP ${status}`,
    mayRepeat,
    retryAfterMs(headers, clock.date()),
  );
}

function errorFields(text: string): { code?: string; message?: string } {
  try {
    return readErrorObject(JSON.parse(text).error);
  } catch {
    return {};
  }
}
