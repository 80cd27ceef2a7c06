/** Reads a response body in pieces or as a whole. */
export interface ByteReader {
  /**
   * Returns the next bytes, valid until the next call, or undefined at the end.
   *
   * @throws the signal's reason once it is aborted; otherwise what the network throws.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Returns the whole body. Nothing of it may have been read before.
   *
   * @throws {RangeError} if it is larger than `maxBytes`; otherwise as `read`.
   */
  text(maxBytes: number): Promise<string>;
  /** Stops reading and frees the connection; may be called at any time and repeatedly. */
  close(): void;
}

const BUFFER_BYTES = 16_384;

/** Bodies of a known length up to this are read by `Response.text()`, in a third of the time. */
const SMALL_BYTES = 1_048_576;

/**
 * Opens the body of a response. Reads into one reused buffer, which costs 10 to 15 % less than a
 * new one for each read.
 *
 * On Deno 2.9, when an aborted fetch's Response is garbage-collected, its read never ends and its
 * socket stays open. So an abort cancels the reader itself, and `read` checks the signal after
 * each read, because a cancelled read looks like the end of the body.
 */
export function readBody(response: Response, signal: AbortSignal): ByteReader {
  let pull:
    | (() => Promise<{ value?: Uint8Array<ArrayBuffer> | undefined; done: boolean }>)
    | undefined;
  let buffer: ArrayBuffer | undefined;
  let cancel = () => response.body?.cancel();

  function open(): NonNullable<typeof pull> {
    const { body } = response;
    if (body === null) return () => Promise.resolve({ done: true, value: undefined });
    signal.addEventListener("abort", close, { once: true });
    try {
      const reader = body.getReader({ mode: "byob" });
      cancel = () => reader.cancel();
      return () => reader.read(new Uint8Array(buffer ?? new ArrayBuffer(BUFFER_BYTES)));
    } catch {
      // A body made of a string or a plain stream does not support buffers.
      const reader = body.getReader();
      cancel = () => reader.cancel();
      return () => reader.read();
    }
  }

  function close(): void {
    signal.removeEventListener("abort", close);
    cancel()?.catch(() => {});
  }

  async function read(): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    try {
      const { done, value } = await (pull ??= open())();
      buffer = value?.buffer;
      if (!done) return value;
    } finally {
      // The use of `response` also keeps it from being garbage-collected.
      if (response.bodyUsed) signal.throwIfAborted();
    }
    signal.removeEventListener("abort", close);
  }

  return {
    read,
    async text(maxBytes) {
      if (lengthOf(response) > Math.min(maxBytes, SMALL_BYTES)) {
        return await readText(read, maxBytes).finally(close);
      }
      try {
        return await response.text();
      } finally {
        if (response.bodyUsed) signal.throwIfAborted();
      }
    },
    close,
  };
}

/** Returns a reader that first reads bytes which have been read already. */
export function putBack(bytes: Uint8Array, { read, close }: ByteReader): ByteReader {
  let first: Uint8Array | undefined = bytes;
  const readAgain = () => {
    const next = first === undefined ? read() : Promise.resolve(first);
    first = undefined;
    return next;
  };
  return {
    read: readAgain,
    text: (maxBytes) => readText(readAgain, maxBytes).finally(close),
    close,
  };
}

/** Returns Infinity if the length is unknown, as it is for a compressed body. */
function lengthOf({ headers }: Response): number {
  if (headers.has("content-encoding")) return Infinity;
  return Number(headers.get("content-length") ?? Infinity);
}

/** Creates a decoder that can be fed piece by piece: by default, Deno's drops a BOM in any piece. */
export function createStreamDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

async function readText(read: ByteReader["read"], maxBytes: number): Promise<string> {
  const decoder = createStreamDecoder();
  let text = "";
  let size = 0;
  for (let bytes; (bytes = await read()) !== undefined;) {
    size += bytes.byteLength;
    if (size > maxBytes) {
      throw new RangeError(`Cannot read body: more than ${maxBytes} bytes`);
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return (text + decoder.decode()).replace(/^\ufeff/, "");
}
