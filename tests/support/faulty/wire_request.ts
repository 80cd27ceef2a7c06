/**
 * Reads requests from a plain TCP socket and notices when the caller disconnects.
 *
 * @module
 */

/** A connection that is read exactly, or watched while it is written to. */
export interface Socket {
  /** Whether this end has closed the connection. */
  readonly closed: boolean;
  /** Reads up to `max` bytes; returns undefined at the end. */
  read(max: number): Promise<Uint8Array | undefined>;
  /**
   * Calls the listener once when either end closes; the caller's end is noticed only by reading.
   *
   * @returns a function that removes the listener.
   */
  onDisconnect(listener: () => void): () => void;
  /** Reads in the background to notice a disconnect; keeps the bytes for `read`. */
  listen(): void;
  /** Writes some of the bytes and returns their number. */
  write(bytes: Uint8Array): Promise<number>;
  /** May be called repeatedly. */
  close(): void;
  /** Resolves when no read and no write is pending. */
  settled(): Promise<unknown>;
}

export function withBackground(conn: Deno.Conn): Socket {
  let buffered: Uint8Array | undefined;
  let background: Promise<void> | undefined;
  let writing: Promise<unknown> = Promise.resolve();
  let ended = false;
  let closed = false;
  const listeners = new Set<() => void>();

  function end(): void {
    ended = true;
    for (const listener of listeners) listener();
    listeners.clear();
  }

  async function readSome(max: number): Promise<Uint8Array | undefined> {
    if (ended) return undefined;
    const bytes = new Uint8Array(max);
    let count: number | null = null;
    try {
      count = await conn.read(bytes);
    } catch {
      // Reset, or closed on this side.
    }
    if (count !== null) return bytes.subarray(0, count);
    end();
    return undefined;
  }

  return {
    get closed() {
      return closed;
    },
    onDisconnect(listener) {
      if (ended) listener();
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async read(max) {
      await background;
      background = undefined;
      if (buffered === undefined) return readSome(max);
      const bytes = buffered.subarray(0, max);
      buffered = buffered.length > max ? buffered.subarray(max) : undefined;
      return bytes;
    },
    listen() {
      background ??= (async () => {
        // The request's last byte, and what arrives before the end of its answer.
        await readSome(1);
        buffered = await readSome(64);
      })();
    },
    write(bytes) {
      const done = conn.write(bytes);
      writing = done.catch(() => {});
      return done;
    },
    close() {
      if (closed) return;
      closed = true;
      end();
      conn.close();
    },
    settled: () => Promise.all([background, writing]),
  };
}

export interface WireRequest {
  /** With the query. */
  path: string;
  /** Names are in lower case. */
  headers: ReadonlyMap<string, string>;
  /** Undefined for a request without a body. */
  body: unknown;
}

/** Small enough not to reach the end of a body. */
const READ_BYTES = 64;

/**
 * Reads a request with a JSON object or nothing as its body, except the last byte.
 *
 * @returns undefined if the connection ended between requests.
 */
export async function readRequest(socket: Socket): Promise<WireRequest | undefined> {
  // Latin-1: one character per byte.
  let head = "";
  let end = -1;
  while ((end = head.indexOf("\r\n\r\n")) < 0) {
    const bytes = await socket.read(READ_BYTES);
    if (bytes === undefined) return undefined;
    head += String.fromCharCode(...bytes);
  }
  const [first = "", ...lines] = head.slice(0, end).split("\r\n");
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const path = first.split(" ")[1] ?? "";
  if (!headers.has("content-length")) return { path, headers, body: undefined };
  const begun = Uint8Array.from(head.slice(end + 4), (char) => char.charCodeAt(0));
  const body = new Uint8Array(Number(headers.get("content-length")));
  body.set(begun);
  let at = begun.length;
  while (at < body.length - 1) {
    const bytes = await socket.read(body.length - 1 - at);
    if (bytes === undefined) return undefined;
    body.set(bytes, at);
    at += bytes.length;
  }
  body[body.length - 1] = "}".charCodeAt(0);
  const text = new TextDecoder().decode(body);
  return { path, headers, body: JSON.parse(text) };
}
