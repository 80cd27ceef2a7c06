import { waitFor } from "./wait.ts";

/** A connection for requests that no HTTP client sends. One character is one byte. */
export interface Connection extends Disposable {
  write(text: string): Promise<void>;
  /** Reads what has arrived; undefined if the server has closed or reset the connection. */
  read(): Promise<string | undefined>;
  closeWrite(): Promise<void>;
}

export async function connect(port: number): Promise<Connection> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(65_536);
  const decoder = new TextDecoder("latin1");
  return {
    async write(text) {
      const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
      for (let at = 0; at < bytes.length;) {
        at += await waitFor("the server to read a request", socket.write(bytes.subarray(at)));
      }
    },
    async read() {
      const size = await waitFor(
        "the server to write to the connection or close it",
        // A server that closes while data arrives resets the connection.
        socket.read(buffer).catch(() => null),
      );
      return size === null ? undefined : decoder.decode(buffer.subarray(0, size));
    },
    closeWrite: () => socket.closeWrite(),
    [Symbol.dispose]: () => socket.close(),
  };
}
