/**
 * Reads the JSON body of a request, within its limit.
 *
 * @module
 */
import { ApiError, ClientGoneError, invalidRequest } from "../api/errors.ts";

/**
 * Reads a body as JSON.
 *
 * @throws {ApiError} 413 over the limit, 400 for what is no JSON.
 * @throws {ClientGoneError} when the client hangs up meanwhile.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const text = await readBody(request, maxBytes);
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

async function readBody(request: Request, maxBytes: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  try {
    // A declared length binds the sender, so that only a chunked body has to be counted.
    if (declared !== null) return await request.text();
    return await readCounted(request, maxBytes);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ClientGoneError("The client left while it sent the body", { cause: error });
  }
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
