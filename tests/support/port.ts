/**
 * Ports below those that Linux, macOS and Windows give to connections and to listeners on port 0:
 * tests in parallel open many of these, and one could take the port before the caller listens on it,
 * or while a server on it is restarted.
 */
const FIRST = 10_000;
const COUNT = 22_000;

/** Returns a port of 127.0.0.1 that is free at this moment. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
