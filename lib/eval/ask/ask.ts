import { readBody } from "../../upstream/wire/bytes.ts";
import { type Clock, sleep } from "../../clock.ts";
import { backoffMs, retryAfterMs } from "../../upstream/retry.ts";
import { type Answer, AskError, connectionMessage, readErrorBody } from "./answer.ts";
import { type Endpoint, send, withDeadline } from "./request.ts";
import { readAnswer } from "./stream.ts";

/** @throws {AskError} if no answer is received; the signal's reason once it is aborted. */
export type Ask = (model: string, question: string, signal: AbortSignal) => Promise<Answer>;

export interface AskOptions extends Endpoint {
  /** Attempts for one question, if failures are retryable. */
  attempts: number;
  /** Time limit for one attempt. */
  timeoutMs: number;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
}

const BACKOFF = { base_ms: 1_000, max_ms: 30_000 };
const MAX_DELAY_MS = 120_000;
const MAX_ERROR_BYTES = 65_536;
const RETRYABLE_STATUSES = [408, 409, 429, 500, 502, 503, 504, 529];

/** Only the attempt that succeeds is measured. */
export function createAsk(options: AskOptions): Ask {
  const { clock, attempts, random } = options;
  return async (model, question, signal) => {
    for (let attempt = 1;; attempt++) {
      try {
        return await askOnce(options, model, question, signal);
      } catch (error) {
        signal.throwIfAborted();
        const canRetry = error instanceof AskError && error.isRetryable && attempt < attempts;
        if (!canRetry) throw error;
        const delayMs = error.retryAfterMs ?? backoffMs(attempt, BACKOFF, random());
        await sleep(clock, Math.min(delayMs, MAX_DELAY_MS), signal);
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
  const { clock, timeoutMs: ms } = options;
  const error = new AskError("timeout", `no answer within ${ms / 1000} s`);
  const body = {
    model,
    messages: [{ role: "user", content: question }],
    stream: true,
    stream_options: { include_usage: true },
  };
  const start = clock.now();
  try {
    return await withDeadline({ clock, signal, ms, error }, async (signal) => {
      signal.throwIfAborted();
      const response = await send(options, "/chat/completions", body, signal);
      if (!response.ok) throw await errorOf(response, signal, clock);
      return await readAnswer(readBody(response, signal), () => clock.now() - start);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AskError) throw error;
    throw new AskError("connection_error", connectionMessage(error), true);
  }
}

async function errorOf(response: Response, signal: AbortSignal, clock: Clock): Promise<AskError> {
  const { status, headers } = response;
  const text = await readBody(response, signal).text(MAX_ERROR_BYTES).catch(() => "");
  const { code = `http_${status}`, message = `HTTP ${status}` } = readErrorBody(text);
  const isRetryable = RETRYABLE_STATUSES.includes(status) &&
    headers.get("x-should-retry") !== "false";
  return new AskError(code, message, isRetryable, retryAfterMs(headers, clock.date()));
}
