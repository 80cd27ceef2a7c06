/**
 * An upstream on a plain TCP socket: the test decides on every byte of its answers and on every way
 * in which they break.
 *
 * @module
 */
import { patientClock } from "../clock.ts";
import { waitFor } from "../wait.ts";
import { readRequest, type Socket, type WireRequest, withBackground } from "./wire_request.ts";

export interface FaultyCall {
  /** Number of the call in its client request, from 0. */
  index: number;
  /** Number of the call on its connection, from 0. */
  nth: number;
  /** Purpose of the call, read from its instructions. */
  kind: "thinking" | "answer";
  /** Number of the requested step, from 1. */
  step: number;
  stream: boolean;
  path: string;
  /** Names are in lower case. */
  headers: ReadonlyMap<string, string>;
  // deno-lint-ignore no-explicit-any -- tests read any field
  body: any;
}

/** The upstream's end of a connection during a script. */
export interface Wire {
  readonly call: FaultyCall;
  /** Resolves when the connection has accepted the bytes. */
  write(data: string | Uint8Array): Promise<void>;
  /** Resolves when the client of a stream has read this text; at once without a stream. */
  seen(text: string): Promise<void>;
  /** Waits on {@linkcode patientClock}. */
  wait(ms: number): Promise<void>;
  /** Rejects when the caller disconnects. */
  hang(): Promise<never>;
  close(): void;
}

export type Action = (wire: Wire) => Promise<void> | void;

/** What an upstream does for one call. Afterwards the connection can be reused. */
export type Script = readonly Action[];

/** Closes with a byte of the request unread, which makes the system send a reset. */
export const reset: Action = (wire) => wire.close();

export const close: Action = (wire) => wire.close();

export const hang: Action = async (wire) => {
  await wire.hang();
};

export interface FaultyUpstream extends AsyncDisposable {
  /** Ends in /v1. */
  readonly url: string;
  /** Number of accepted connections. */
  readonly connections: number;
  readonly calls: readonly FaultyCall[];
  /** Number of connections with a running call. */
  readonly open: number;
  /** Number of bytes sent so far. */
  readonly written: number;
  /** Resolves when no call is running; rejects after 3 s of {@linkcode patientClock}. */
  idle(): Promise<void>;
  /** Resolves after this number of calls. */
  called(count: number): Promise<void>;
  /** Clears `calls`. */
  forget(): void;
}

export interface FaultyUpstreamOptions {
  play: (call: FaultyCall) => Script;
  /** Resolves when the client of this call has read the text. */
  seen?: (text: string, call: FaultyCall) => Promise<void>;
}

const IDLE_MS = 3_000;

const NOT_FOUND = new TextEncoder().encode("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");

class Disconnected extends Error {}

export function startFaultyUpstream(options: FaultyUpstreamOptions): FaultyUpstream {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const sockets = new Set<Socket>();
  const calls: FaultyCall[] = [];
  const counts = new Map<string, number>();
  const waiters = new Set<{ ready: () => boolean; resolve: () => void }>();
  let connections = 0;
  let open = 0;
  let written = 0;

  function changed(): void {
    for (const waiter of waiters) {
      if (!waiter.ready()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  function until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => waiters.add({ ready, resolve }));
  }

  /** Calls of one client request have the same user message. */
  function toCall({ path, headers, body }: WireRequest, nth: number): FaultyCall {
    const { messages, stream } = body as {
      messages: { role: string; content: string }[];
      stream?: boolean;
    };
    const user = messages.find((message) => message.role === "user")?.content ?? "";
    const index = counts.get(user) ?? 0;
    counts.set(user, index + 1);
    const thinking = messages[0]?.role === "system" &&
      !messages.at(-1)!.content.includes("final answer");
    return {
      index,
      nth,
      kind: thinking ? "thinking" : "answer",
      step: messages.filter((message) => message.role === "assistant").length + 1,
      stream: stream === true,
      path,
      headers,
      body,
    };
  }

  async function answer(socket: Socket, nth: number): Promise<void> {
    const request = await readRequest(socket);
    if (request === undefined) return socket.close();
    // Not a call: the server asks for the list of models.
    if (request.body === undefined) {
      await socket.write(NOT_FOUND);
      return;
    }
    const call = toCall(request, nth);
    calls.push(call);
    open++;
    changed();
    try {
      const script = options.play(call);
      // A reset requires that the last byte of the request is unread.
      if (!script.includes(reset)) socket.listen();
      const disconnected = Promise.withResolvers<never>();
      disconnected.promise.catch(() => {});
      const stop = socket.onDisconnect(() => {
        disconnected.reject(new Disconnected());
        // Ends a pending write.
        socket.close();
      });
      const wire = wireOf(socket, call, disconnected.promise);
      for (const action of script) await action(wire);
      stop();
    } finally {
      open--;
      changed();
    }
  }

  function wireOf(socket: Socket, call: FaultyCall, disconnected: Promise<never>): Wire {
    const utf8 = new TextEncoder();
    return {
      call,
      async write(data) {
        let bytes = typeof data === "string" ? utf8.encode(data) : data;
        while (bytes.length > 0) {
          const count = await socket.write(bytes);
          written += count;
          bytes = bytes.subarray(count);
        }
      },
      async seen(text) {
        if (call.stream) await Promise.race([options.seen?.(text, call), disconnected]);
      },
      async wait(ms) {
        let cancel = () => {};
        const over = new Promise<void>((resolve) => cancel = patientClock.timer(ms, resolve));
        await Promise.race([over, disconnected]).finally(() => cancel());
      },
      hang: () => disconnected,
      close: () => socket.close(),
    };
  }

  async function serve(conn: Deno.TcpConn): Promise<void> {
    conn.setNoDelay();
    const socket = withBackground(conn);
    sockets.add(socket);
    connections++;
    try {
      for (let nth = 0; !socket.closed; nth++) await answer(socket, nth);
    } catch (error) {
      const ended = error instanceof Disconnected || socket.closed ||
        error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset;
      if (!ended) throw error;
    } finally {
      socket.close();
      await socket.settled();
      sockets.delete(socket);
      changed();
    }
  }

  const running = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const conn of listener) {
      const served = serve(conn).finally(() => running.delete(served));
      running.add(served);
    }
  })();

  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    get connections() {
      return connections;
    },
    get open() {
      return open;
    },
    get written() {
      return written;
    },
    idle: () =>
      waitFor(
        () => `the end of ${open} upstream calls`,
        until(() => open === 0),
        IDLE_MS,
        patientClock,
      ),
    called: (count) =>
      waitFor(
        () => `${count} calls to the upstream after ${calls.length}`,
        until(() => calls.length >= count),
      ),
    forget() {
      calls.length = 0;
      counts.clear();
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const socket of sockets) socket.close();
      await Promise.all(running);
    },
  };
}
