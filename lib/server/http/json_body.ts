/**
 * Reads the JSON body of a request, within its size and its time.
 *
 * @module
 */
import { ApiError, ClientGoneError, invalidRequest } from "../../api/errors.ts";
import type { ServerSettings } from "../../config/resolve.ts";
import type { Clock } from "../../clock.ts";
import { bodyResourceId, isBodyReceived } from "./client_disconnect.ts";
import { checkBounds } from "./json_bounds.ts";

/** The bounds of a body. */
export interface BodyOptions {
  /** The server's settings. */
  settings: Pick<ServerSettings, "max_body_bytes" | "body_timeout_ms">;
  /** The one clock. */
  clock: Clock;
}

/** Time for the answer to go out before what is left of a body is given up, in milliseconds. */
const LINGER_MS = 1_000;

/**
 * Reads a body as JSON.
 *
 * @param takeEnd takes a body that came from the network and was not read on to its end, where
 * its client can be watched; without it, all is read.
 * @throws {ApiError} 413 over the limit, 408 over the time, 400 for what is no JSON, or too
 * much of it.
 * @throws {ClientGoneError} when the client hangs up meanwhile.
 */
export async function readJson(
  request: Request,
  options: BodyOptions,
  takeEnd?: (body: ReadableStream<Uint8Array>) => void,
): Promise<unknown> {
  const text = await readBody(request, options, takeEnd);
  checkBounds(text);
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest(
      null,
      "We could not parse the JSON body of your request. Send a JSON object with content-type application/json.",
      null,
    );
  }
}

async function readBody(
  request: Request,
  { settings, clock }: BodyOptions,
  takeEnd?: (body: ReadableStream<Uint8Array>) => void,
): Promise<string> {
  const { max_body_bytes: maxBytes, body_timeout_ms: ms } = settings;
  const header = request.headers.get("content-length");
  const declared = header === null ? undefined : Number(header);
  if (declared !== undefined && declared > maxBytes) throw tooLarge(maxBytes);
  if (declared !== undefined && isBodyReceived(request)) return await request.text();
  const { body } = request;
  if (body === null) return "";
  try {
    // What is here already needs no time.
    if (declared !== undefined && bodyResourceId(body) === undefined) return await request.text();
    const reader = body.getReader();
    const late = Promise.withResolvers<never>();
    const cancel = clock.timer(ms, () => late.reject(tooSlow(ms)));
    const length = takeEnd === undefined ? undefined : declared;
    try {
      const text = await Promise.race([readText(reader, maxBytes, length), late.promise]);
      reader.releaseLock();
      if (length !== undefined) takeEnd?.(body);
      return text;
    } catch (error) {
      giveUp(body, reader, clock);
      throw error;
    } finally {
      cancel();
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ClientGoneError("The client left while it sent the body", { cause: error });
  }
}

/**
 * Leaves the rest of a body unread. The runtime serves no other request on the connection, and
 * closes it when more comes, only where the body is still open as the answer goes out.
 */
function giveUp(
  body: ReadableStream<Uint8Array>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: Clock,
): void {
  const cancel = () => void reader.cancel().catch(() => {});
  if (bodyResourceId(body) === undefined) cancel();
  else clock.timer(LINGER_MS, cancel);
}

/**
 * Reads to the end, or as much as was declared and not on to the end, where the client is watched.
 */
async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  length: number | undefined,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; length === undefined || size < length;) {
    const { value, done } = await reader.read();
    if (done) {
      if (length === undefined) break;
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
    `The body of the request is larger than ${maxBytes} bytes (server.max_body_bytes).`,
  );
}

function tooSlow(ms: number): ApiError {
  return new ApiError(
    408,
    `The body of the request did not arrive within ${ms / 1000} s (server.body_timeout_ms).`,
    { code: "request_timeout", shouldRetry: true },
  );
}
