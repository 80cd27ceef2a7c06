/** Reads the JSON body of a request, within limits of size and time. */
import { ApiError, ClientGoneError, invalidRequest } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import type { ServerSettings } from "../../config/resolve.ts";
import { bodyResourceId, takeBodyInMemory } from "./client_disconnect.ts";
import { checkBounds } from "./json_bounds.ts";

export interface BodyOptions {
  settings: Pick<ServerSettings, "max_body_bytes" | "body_timeout_ms">;
  clock: Clock;
}

/** Milliseconds for an error response to be sent before the rest of a body is discarded. */
const LINGER_MS = 1_000;

/**
 * Length of a text in characters from which other requests get a turn of the event loop before and
 * after it is parsed. 32 MB, read and sent on in one turn, blocked them for 240 to 290 ms of CPU.
 */
const LARGE = 4_000_000;

/**
 * Reads a body as JSON.
 *
 * @param onRead is called with a body of declared length that came from the network. The stream was
 * not read to the point where it closes, so that `watchBody` can use it.
 * @throws {ApiError} 413 for a body that is too large, 408 for one that takes too long, 400 for
 * invalid JSON and for JSON with too many levels or values.
 * @throws {ClientGoneError} when the client disconnects.
 */
export async function readJson(
  request: Request,
  options: BodyOptions,
  onRead?: (body: ReadableStream<Uint8Array>) => void,
): Promise<unknown> {
  const text = await readBody(request, options, onRead);
  checkBounds(text);
  if (text.length > LARGE) await nextTurn();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidRequest(
      null,
      "We could not parse the JSON body of your request. Send a JSON object with content-type application/json.",
      null,
    );
  }
  if (text.length > LARGE) await nextTurn();
  return value;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function readBody(
  request: Request,
  options: BodyOptions,
  onRead?: (body: ReadableStream<Uint8Array>) => void,
): string | Promise<string> {
  const { max_body_bytes: maxBytes } = options.settings;
  const header = request.headers.get("content-length");
  const declared = header === null ? undefined : Number(header);
  if (declared !== undefined && declared > maxBytes) throw tooLarge(maxBytes);
  const inMemory = declared === undefined ? undefined : takeBodyInMemory(request);
  if (inMemory !== undefined) return inMemory;
  const { body } = request;
  return body === null ? "" : readStream(body, declared, options, onRead);
}

async function readStream(
  body: ReadableStream<Uint8Array>,
  declared: number | undefined,
  { settings, clock }: BodyOptions,
  onRead?: (body: ReadableStream<Uint8Array>) => void,
): Promise<string> {
  const { max_body_bytes: maxBytes, body_timeout_ms: timeoutMs } = settings;
  const reader = body.getReader();
  const timeout = Promise.withResolvers<never>();
  const cancelTimer = clock.timer(timeoutMs, () => timeout.reject(tooSlow(timeoutMs)));
  const length = onRead === undefined ? undefined : declared;
  try {
    const text = await Promise.race([readText(reader, maxBytes, length), timeout.promise]);
    reader.releaseLock();
    if (length !== undefined) onRead?.(body);
    return text;
  } catch (error) {
    // The runtime closes the connection instead of reading a next request from the rest of this
    // body, but only if the body is still open when the error response is sent.
    const discard = () => void reader.cancel().catch(() => {});
    if (bodyResourceId(body) === undefined) discard();
    else clock.timer(LINGER_MS, discard);
    if (error instanceof ApiError) throw error;
    throw new ClientGoneError("The client disconnected while sending the body", { cause: error });
  } finally {
    cancelTimer();
  }
}

/** Reads the whole stream, or `length` bytes of it. */
async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  length = Infinity,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; size < length;) {
    const { value, done } = await reader.read();
    if (done) {
      if (length === Infinity) break;
      throw new TypeError("The body is shorter than declared");
    }
    size += value.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(
    413,
    `The request body is larger than ${maxBytes} bytes (server.max_body_bytes).`,
  );
}

function tooSlow(timeoutMs: number): ApiError {
  return new ApiError(
    408,
    `The request body did not arrive within ${timeoutMs / 1000} s (server.body_timeout_ms).`,
    { code: "request_timeout", shouldRetry: true },
  );
}
