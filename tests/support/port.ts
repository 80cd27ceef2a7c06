import { tmpdir } from "node:os";

/**
 * Ports below those that Linux, macOS and Windows give to connections and to listeners on port 0:
 * tests in parallel open many of these, and one could take the port before the caller listens on it,
 * or while a server on it is restarted.
 */
const FIRST = 10_000;
const COUNT = 22_000;

/** Contains the last port that a test on this machine got, in this process or another. */
const LAST = `${tmpdir()}/o1-api-tests.port`;

/** Returns a port that no other test has just got and does not listen on yet. */
function nextPort(): number {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(LAST, { read: true, write: true, create: true });
  } catch {
    // It is another user's, or this program may not write there.
    return FIRST + Math.floor(Math.random() * COUNT);
  }
  try {
    file.lockSync(true);
    const bytes = new DataView(new ArrayBuffer(2));
    const isNew = file.readSync(new Uint8Array(bytes.buffer)) === null;
    const last = isNew ? Math.floor(Math.random() * COUNT) : bytes.getUint16(0);
    const next = (last + 1) % COUNT;
    bytes.setUint16(0, next);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(bytes.buffer));
    return FIRST + next;
  } finally {
    file.close();
  }
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
