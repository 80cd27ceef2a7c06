/**
 * Reads the JSON body of a request, within its limit.
 *
 * @module
 */
import { ApiError, ClientGoneError, invalidRequest } from "../api/errors.ts";
import { bodyResource } from "./client_watch.ts";

/**
 * Reads a body as JSON.
 *
 * @param takeEnd takes a body that came from the network and was not read on to its end, where
 * its client can be watched; without it, all is read.
 * @throws {ApiError} 413 over the limit, 400 for what is no JSON.
 * @throws {ClientGoneError} when the client hangs up meanwhile.
 */
export async function readJson(
  request: Request,
  maxBytes: number,
  takeEnd?: (body: ReadableStream<Uint8Array>) => void,
): Promise<unknown> {
  const text = await readBody(request, maxBytes, takeEnd);
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
  maxBytes: number,
  takeEnd?: (body: ReadableStream<Uint8Array>) => void,
): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  try {
    // A declared length binds the sender, so that only a chunked body has to be counted.
    if (declared === null) return await readCounted(request, maxBytes);
    const body = takeEnd && request.body;
    if (!body || bodyResource(body) === undefined) return await request.text();
    const text = await readDeclared(body, Number(declared));
    takeEnd(body);
    return text;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ClientGoneError("The client left while it sent the body", { cause: error });
  }
}

/** Reads as much as was declared and not on to the end, where the client is watched. */
async function readDeclared(body: ReadableStream<Uint8Array>, length: number): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let left = length; left > 0;) {
    const { value, done } = await reader.read();
    if (done) throw new TypeError("The body is shorter than declared");
    left -= value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text + decoder.decode();
}

async function readCounted(request: Request, maxBytes: number): Promise<string> {
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    pieces.push(decoder.decode(chunk, { stream: true }));
  }
  pieces.push(decoder.decode());
  return pieces.join("");
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(
    413,
    `The body of the request is larger than ${maxBytes} bytes (server.max_body_bytes).`,
  );
}
