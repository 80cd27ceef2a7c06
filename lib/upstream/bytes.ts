/**
 * The only reader of response bodies.
 *
 * @module
 */

/** Reads a body piece by piece. */
export interface ByteReader {
  /**
   * The next bytes, or undefined at the end. The view is valid until the next call.
   *
   * @throws the signal's reason once the signal is aborted; what the network throws else.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Ends the reading and frees the connection; safe to call at any time, and more than once. */
  close(): void;
}

const BUFFER_BYTES = 16_384;

/**
 * Opens the body of a response for reading with one reused buffer.
 *
 * An aborted fetch whose Response was garbage-collected leaves its read hanging and its socket
 * open on Deno 2.9. So an abort cancels the reader itself, and `read` checks the signal after
 * each read, because a cancelled read answers like a body that ended.
 */
export function readBody(response: Response, signal: AbortSignal): ByteReader {
  const body = response.body;
  if (body === null) {
    return { read: () => Promise.resolve(undefined), close() {} };
  }
  let pull: () => Promise<Uint8Array | undefined>;
  let reader:
    | ReadableStreamBYOBReader
    | ReadableStreamDefaultReader<Uint8Array>;
  try {
    const byob = body.getReader({ mode: "byob" });
    let buffer = new ArrayBuffer(BUFFER_BYTES);
    reader = byob;
    pull = async () => {
      const { done, value } = await byob.read(new Uint8Array(buffer));
      if (value !== undefined) buffer = value.buffer;
      return done ? undefined : value;
    };
  } catch (error) {
    // A body made from a string or a plain stream has no byte source.
    if (!(error instanceof TypeError)) throw error;
    const plain = body.getReader();
    reader = plain;
    pull = async () => (await plain.read()).value;
  }
  const close = () => {
    signal.removeEventListener("abort", close);
    reader.cancel().catch(() => {});
  };
  signal.addEventListener("abort", close, { once: true });
  return {
    async read() {
      signal.throwIfAborted();
      let bytes: Uint8Array | undefined;
      try {
        bytes = await pull();
      } finally {
        // Also keeps the Response alive for as long as somebody reads it.
        if (response.bodyUsed) signal.throwIfAborted();
      }
      if (bytes === undefined) signal.removeEventListener("abort", close);
      return bytes;
    },
    close,
  };
}

/** A body was longer than it may be. */
export class BodyTooLargeError extends RangeError {
  /** The name of the class. */
  override readonly name = "BodyTooLargeError";
}

/**
 * Reads a whole body as text.
 *
 * @param maxBytes where it stops.
 * @throws {BodyTooLargeError} when there is more, and what {@linkcode ByteReader.read} throws.
 */
export async function readText(
  reader: ByteReader,
  maxBytes: number,
): Promise<string> {
  // Left to itself, Deno's decoder takes a byte order mark from the start of every piece.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces: string[] = [];
  let size = 0;
  try {
    for (
      let bytes = await reader.read();
      bytes !== undefined;
      bytes = await reader.read()
    ) {
      size += bytes.byteLength;
      if (size > maxBytes) {
        throw new BodyTooLargeError(
          `Cannot read body: more than ${maxBytes} bytes`,
        );
      }
      pieces.push(decoder.decode(bytes, { stream: true }));
    }
    pieces.push(decoder.decode());
    return pieces.join("").replace(/^\ufeff/, "");
  } finally {
    reader.close();
  }
}
