/**
 * Load over raw sockets, with little work per answer, so that mostly the server is measured.
 *
 * @module
 */
import { TOKEN } from "./processes.ts";

/** Times of an answer in milliseconds. */
export interface Timing {
  /** Until the first byte. */
  first: number;
  /** Until the last byte. */
  total: number;
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder("latin1");

export const question = (model: string, stream: boolean, content = "What is 17 x 23 - 5?") => ({
  model,
  stream,
  messages: [{ role: "user", content }],
});

export const ask = (model: string, stream: boolean, content?: string): Uint8Array =>
  requestBytes(question(model, stream, content));

export function requestBytes(body: unknown, headers: Record<string, string> = {}): Uint8Array {
  const json = JSON.stringify(body);
  const lines = Object.entries({
    host: "127.0.0.1",
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
    "content-length": utf8.encode(json).length,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return utf8.encode(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join("")}\r\n${json}`);
}

/** A connection that sends requests in sequence. */
export interface Connection {
  /**
   * Sends a request and reads its whole answer.
   *
   * @param onText called with each chunk of the answer.
   */
  ask(request: Uint8Array, onText?: (text: string) => void): Promise<Timing>;
  close(): void;
}

export async function connect(port: number): Promise<Connection> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay();
  const buffer = new Uint8Array(65_536);

  return {
    async ask(request, onText) {
      const start = performance.now();
      for (let at = 0; at < request.length;) at += await conn.write(request.subarray(at));
      let head = "";
      let bodyLeft = -1;
      let chunked = false;
      let tail = "";
      let first = 0;
      for (;;) {
        const read = await conn.read(buffer);
        if (read === null) throw new Error("the server closed the connection");
        if (first === 0) first = performance.now() - start;
        let text = decoder.decode(buffer.subarray(0, read));
        if (bodyLeft < 0 && !chunked) {
          head += text;
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) continue;
          if (!head.startsWith("HTTP/1.1 200")) throw new Error(head.slice(0, 2_000));
          const length = /content-length: (\d+)/i.exec(head.slice(0, end));
          text = head.slice(end + 4);
          if (length === null) chunked = true;
          else bodyLeft = Number(length[1]);
        }
        onText?.(text);
        if (chunked) {
          tail = (tail + text).slice(-7);
          if (!tail.endsWith("\r\n0\r\n\r\n")) continue;
        } else {
          bodyLeft -= text.length;
          if (bodyLeft > 0) continue;
        }
        return { first, total: performance.now() - start };
      }
    },
    close: () => conn.close(),
  };
}

export interface LoadResult {
  /** Answers per second. */
  rate: number;
  timings: Timing[];
}

/** Sends requests over several connections for a time, each as soon as the last is answered. */
export async function load(
  port: number,
  request: Uint8Array,
  { connections, ms }: { connections: number; ms: number },
): Promise<LoadResult> {
  const open = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const timings: Timing[] = [];
  const start = performance.now();
  await Promise.all(open.map(async (connection) => {
    while (performance.now() - start < ms) timings.push(await connection.ask(request));
  }));
  const seconds = (performance.now() - start) / 1000;
  for (const connection of open) connection.close();
  return { rate: timings.length / seconds, timings };
}
