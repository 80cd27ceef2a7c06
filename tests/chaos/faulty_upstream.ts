/**
 * An upstream on a bare TCP socket: every byte of its answers, and every way in which they break,
 * is the test's to say.
 *
 * @module
 */
import { systemClock } from "../../lib/clock.ts";
import {
  readRequest,
  type Socket,
  type WireRequest,
  withBackground,
} from "./faults/wire_request.ts";

/** One call that the upstream got. */
export interface FaultyCall {
  /** Which call of its client request, from 0. */
  index: number;
  /** Which call of its connection, from 0. */
  nth: number;
  /** What the call is for, told by its instructions. */
  kind: "thinking" | "answer";
  /** The number of the step to write, from 1. */
  step: number;
  /** Whether a stream is asked for. */
  stream: boolean;
  /** The path. */
  path: string;
  /** The headers, names in lower case. */
  headers: ReadonlyMap<string, string>;
  /** The parsed body. */
  // deno-lint-ignore no-explicit-any -- tests read whatever was sent
  body: any;
}

/** The upstream's end of a connection, while it plays a script. */
export interface Wire {
  /** The call that is answered. */
  readonly call: FaultyCall;
  /** Writes bytes as they are; waits until the connection has taken them. */
  write(data: string | Uint8Array): Promise<void>;
  /** Waits until the client has read this text; at once where it reads no stream. */
  seen(text: string): Promise<void>;
  /** Waits on the real clock, in milliseconds. */
  wait(ms: number): Promise<void>;
  /** Waits until the caller has left. */
  hang(): Promise<never>;
  /** Ends the connection cleanly. */
  close(): void;
}

/** One thing that an upstream does. */
export type Action = (wire: Wire) => Promise<void> | void;

/** What an upstream does for a call; afterwards the connection is free for the next. */
export type Script = readonly Action[];

/** Closes with a byte of the request unread, which the system answers for with a reset. */
export const reset: Action = (wire) => wire.close();

/** Closes the connection. */
export const close: Action = (wire) => wire.close();

/** Never does anything again. */
export const hang: Action = async (wire) => {
  await wire.hang();
};

/** A running upstream. */
export interface FaultyUpstream extends AsyncDisposable {
  /** The base URL, ending in /v1. */
  readonly url: string;
  /** Connections accepted so far. */
  readonly connections: number;
  /** The calls so far, over all connections. */
  readonly calls: readonly FaultyCall[];
  /** Connections in the middle of a call. */
  readonly open: number;
  /** Bytes that the connections have taken so far. */
  readonly written: number;
  /**
   * Resolves when no connection is in the middle of a call.
   *
   * @throws after 3 s.
   */
  idle(): Promise<void>;
  /** Resolves when so many calls have come. */
  called(count: number): Promise<void>;
  /** Forgets the calls so far. */
  forget(): void;
}

/** What an upstream is made of. */
export interface FaultyUpstreamOptions {
  /** What it does for a call. */
  play: (call: FaultyCall) => Script;
  /** Waits until the client whose call this is has read a text. */
  seen?: (text: string, call: FaultyCall) => Promise<void>;
}

class Gone extends Error {}

const IDLE_MS = 3_000;

/** Starts an upstream. */
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

  /** Calls of one client request share its user's message. */
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
    const call = toCall(request, nth);
    calls.push(call);
    open++;
    changed();
    try {
      const script = options.play(call);
      // A reset needs the last byte of the request to stay unread.
      if (!script.includes(reset)) socket.listen();
      const gone = Promise.withResolvers<never>();
      gone.promise.catch(() => {});
      const stop = socket.onLeave(() => {
        gone.reject(new Gone());
        // Ends a write that nobody takes.
        socket.close();
      });
      const wire = wireOf(socket, call, gone.promise);
      for (const action of script) await action(wire);
      stop();
    } finally {
      open--;
      changed();
    }
  }

  function wireOf(socket: Socket, call: FaultyCall, gone: Promise<never>): Wire {
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
        if (call.stream) await Promise.race([options.seen?.(text, call), gone]);
      },
      async wait(ms) {
        let cancel = () => {};
        const over = new Promise<void>((resolve) => cancel = systemClock.timer(ms, resolve));
        await Promise.race([over, gone]).finally(() => cancel());
      },
      hang: () => gone,
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
      const ended = error instanceof Gone || socket.closed ||
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
    async idle() {
      let cancel = () => {};
      const late = new Promise<never>((_, reject) => {
        cancel = systemClock.timer(
          IDLE_MS,
          () => reject(new Error(`${open} upstream sockets stay open`)),
        );
      });
      await Promise.race([until(() => open === 0), late]).finally(() => cancel());
    },
    called: (count) => until(() => calls.length >= count),
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
