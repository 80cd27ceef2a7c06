/**
 * The only reader of response bodies.
 *
 * @module
 */

/** Reads a body piece by piece, or as a whole. */
export interface ByteReader {
  /**
   * The next bytes, or undefined at the end. The view is valid until the next call.
   *
   * @throws the signal's reason once the signal is aborted; what the network throws else.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * All of a body of which nothing has been read yet.
   *
   * @param maxBytes where it stops.
   * @throws {BodyTooLargeError} when there is more, and what `read` throws.
   */
  text(maxBytes: number): Promise<string>;
  /** Ends the reading and frees the connection; safe to call at any time, and more than once. */
  close(): void;
}

const BUFFER_BYTES = 16_384;

/** Bodies of known length up to this are read by the runtime in one go, which costs a third. */
const SMALL_BYTES = 1_048_576;

/**
 * Opens the body of a response for reading with one reused buffer.
 *
 * An aborted fetch whose Response was garbage-collected leaves its read hanging and its socket
 * open on Deno 2.9. So an abort cancels the reader itself, and `read` checks the signal after
 * each read, because a cancelled read answers like a body that ended.
 */
export function readBody(response: Response, signal: AbortSignal): ByteReader {
  let pull: (() => Promise<Uint8Array | undefined>) | undefined;
  let cancel = () => response.body?.cancel();

  function open(): () => Promise<Uint8Array | undefined> {
    const { body } = response;
    if (body === null) return () => Promise.resolve(undefined);
    signal.addEventListener("abort", close, { once: true });
    try {
      const byob = body.getReader({ mode: "byob" });
      cancel = () => byob.cancel();
      let buffer = new ArrayBuffer(BUFFER_BYTES);
      return async () => {
        const { done, value } = await byob.read(new Uint8Array(buffer));
        if (value !== undefined) buffer = value.buffer;
        return done ? undefined : value;
      };
    } catch (error) {
      // A body made from a string or a plain stream has no byte source.
      if (!(error instanceof TypeError)) throw error;
      const plain = body.getReader();
      cancel = () => plain.cancel();
      return async () => (await plain.read()).value;
    }
  }
  function close(): void {
    signal.removeEventListener("abort", close);
    cancel()?.catch(() => {});
  }
  async function read(): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    let bytes: Uint8Array | undefined;
    try {
      bytes = await (pull ??= open())();
    } finally {
      // Also keeps the Response alive for as long as somebody reads it.
      if (response.bodyUsed) signal.throwIfAborted();
    }
    if (bytes === undefined) signal.removeEventListener("abort", close);
    return bytes;
  }
  return {
    read,
    async text(maxBytes) {
      if (lengthOf(response) <= Math.min(maxBytes, SMALL_BYTES)) {
        try {
          // The abort of a fetch also ends this, for as long as its Response is alive.
          return await response.text();
        } finally {
          if (response.bodyUsed) signal.throwIfAborted();
        }
      }
      return await readText(read, maxBytes).finally(close);
    },
    close,
  };
}

/** How many bytes will come, as far as that is sure: a packed body may hold any number. */
function lengthOf({ headers }: Response): number {
  if (headers.has("content-encoding")) return Infinity;
  return Number(headers.get("content-length") ?? Infinity);
}

/** A body was longer than it may be. */
export class BodyTooLargeError extends RangeError {
  /** The name of the class. */
  override readonly name = "BodyTooLargeError";
}

async function readText(read: ByteReader["read"], maxBytes: number): Promise<string> {
  // Left to itself, Deno's decoder takes a byte order mark from the start of every piece.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces: string[] = [];
  let size = 0;
  for (let bytes = await read(); bytes !== undefined; bytes = await read()) {
    size += bytes.byteLength;
    if (size > maxBytes) {
      throw new BodyTooLargeError(`Cannot read body: more than ${maxBytes} bytes`);
    }
    pieces.push(decoder.decode(bytes, { stream: true }));
  }
  pieces.push(decoder.decode());
  return pieces.join("").replace(/^\ufeff/, "");
}
