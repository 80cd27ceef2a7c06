/**
 * Reads requests from a bare TCP socket, and learns from it when the other end leaves.
 *
 * @module
 */

/** A connection that can be read exactly, or listened to while it is written to. */
export interface Socket {
  /** Whether this end has closed it. */
  readonly closed: boolean;
  /** Reads some bytes, at most `max`; undefined at the end. */
  read(max: number): Promise<Uint8Array | undefined>;
  /**
   * Told once when either end has left; of the other end only reading tells.
   *
   * @returns a function that takes the listener off.
   */
  onLeave(listener: () => void): () => void;
  /** Reads in the background, to learn when the other end leaves. What comes is kept for `read`. */
  listen(): void;
  /** Writes some of the bytes and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends the connection; safe to call more than once. */
  close(): void;
  /** Resolves when nothing reads or writes any more. */
  settled(): Promise<unknown>;
}

/** Wraps a connection. */
export function withBackground(conn: Deno.Conn): Socket {
  let kept: Uint8Array | undefined;
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
    onLeave(listener) {
      if (ended) listener();
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async read(max) {
      await background;
      background = undefined;
      if (kept === undefined) return readSome(max);
      const bytes = kept.subarray(0, max);
      kept = kept.length > max ? kept.subarray(max) : undefined;
      return bytes;
    },
    listen() {
      background ??= (async () => {
        // The request's last byte, and whatever comes before its answer is over.
        await readSome(1);
        kept = await readSome(64);
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

/** A parsed request. */
export interface WireRequest {
  /** The path and query. */
  path: string;
  /** The headers, names in lower case. */
  headers: ReadonlyMap<string, string>;
  /** The parsed body. */
  body: unknown;
}

/** Small enough never to reach the end of a body. */
const READ_BYTES = 64;

/**
 * Reads a request with a JSON object as its body, all but its last byte.
 *
 * @returns undefined when the connection ended between requests.
 */
export async function readRequest(socket: Socket): Promise<WireRequest | undefined> {
  // As Latin-1, so that a character is a byte.
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
  return { path: first.split(" ")[1] ?? "", headers, body: JSON.parse(text) };
}
