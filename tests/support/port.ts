import { tmpdir } from "node:os";

/**
 * Ports below those that Linux, macOS and Windows give to connections and to listeners on port 0:
 * tests in parallel open many of these, and one could take the port before the caller listens on it,
 * or while a server on it is restarted.
 */
const FIRST = 10_000;
const COUNT = 22_000;

/**
 * Returns the next port of all tests on this machine, in this process or another: none that another
 * test has just got, and does not listen on yet. The file contains the last one.
 */
function nextPort(): number {
  using file = Deno.openSync(`${tmpdir()}/o1-api-tests-${Deno.uid() ?? ""}.port`, {
    read: true,
    write: true,
    create: true,
  });
  file.lockSync(true);
  const bytes = new Uint8Array(2);
  const last = file.readSync(bytes) === 2 ? new DataView(bytes.buffer).getUint16(0) : FIRST;
  const port = FIRST + (last - FIRST + 1) % COUNT;
  new DataView(bytes.buffer).setUint16(0, port);
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(bytes);
  return port;
}

/** Returns a port of 127.0.0.1 that is free at this moment, and that no other test gets soon. */
export function freePort(): number {
  for (;;) {
    const port = nextPort();
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
