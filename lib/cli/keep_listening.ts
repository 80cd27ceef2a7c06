/** Keeps a server listening when the process runs out of file descriptors. */
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../server/telemetry/log.ts";

export type HttpServer = Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

export interface KeepListeningOptions {
  /** Listens, on this port if one is given; throws if that fails. */
  open: (port?: number) => HttpServer;
  clock: Clock;
  log: Log;
  /** Number of listeners of this process. */
  listeners?: number;
  /** Called if the server has not listened for a minute, for another reason than descriptors. */
  onLost?: (error: Error) => void;
}

/** Delays before the server listens again, in milliseconds: the first one, and the longest. */
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** After this time without a failure, the next delay is the shortest again. In milliseconds. */
const HEALTHY_MS = 10_000;

const LOST_MS = 60_000;

/** File descriptors that a process reserves for the upstream calls of accepted requests. */
const SPARE_DESCRIPTORS = 32;

/**
 * Listens, and listens again after a failure: in Deno 2.9, a failure to accept a connection ends the
 * listener, but not its open connections. Meanwhile they can use the spare descriptors, and new
 * connections are refused. The server listens again when twice as many descriptors are free as all
 * listeners of the process reserve.
 *
 * @throws what `open` throws at first.
 */
export function keepListening(
  { open, clock, log, listeners = 1, onLost }: KeepListeningOptions,
): { port: number; shutdown(): Promise<void> } {
  const closing = new AbortController();
  const spare = createSpareDescriptors(Math.ceil(SPARE_DESCRIPTORS / listeners));
  let server = open();
  const { port } = server.addr;
  spare.acquire();

  async function watch(): Promise<void> {
    let delayMs = MIN_DELAY_MS;
    for (;;) {
      const openedAt = clock.now();
      const error = await server.finished.catch((error: Error) => error);
      if (closing.signal.aborted) return;
      if (clock.now() - openedAt >= HEALTHY_MS) delayMs = MIN_DELAY_MS;
      delayMs = await listenAgain(error ?? new Error("The listener was closed"), delayMs);
    }
  }

  /** Returns the delay in milliseconds of the next failure. Rejects at a shutdown. */
  async function listenAgain(error: Error, delayMs: number): Promise<number> {
    const failedAt = clock.now();
    for (;;) {
      spare.release();
      log.error("Cannot accept connections; new ones are refused for now", {
        cause: error.message,
        wait_ms: delayMs,
      });
      if (clock.now() - failedAt >= LOST_MS && !isOutOfDescriptors(error)) onLost?.(error);
      await sleep(clock, delayMs, closing.signal);
      delayMs = Math.min(2 * delayMs, MAX_DELAY_MS);
      try {
        spare.acquireIfEnoughAreFree();
        server = open(port);
        log.info("Connections are accepted again");
        return delayMs;
      } catch (thrown) {
        error = thrown as Error;
      }
    }
  }

  // Rejects at a shutdown only.
  watch().catch(() => {});
  return {
    port,
    async shutdown() {
      closing.abort();
      spare.release();
      await server.shutdown();
    },
  };
}

/** Returns true if the process or the system has no file descriptor left. */
function isOutOfDescriptors({ message }: Error): boolean {
  return message.includes("os error 24)") || message.includes("os error 23)");
}

function createSpareDescriptors(count: number) {
  const files: Deno.FsFile[] = [];
  const keep = (kept: number) => {
    for (const file of files.splice(kept)) file.close();
  };
  /** @throws if there are too few. */
  const open = (total: number) => {
    while (files.length < total) files.push(Deno.openSync("/dev/null"));
  };
  return {
    release: () => keep(0),
    /** Opens spare descriptors, fewer if the process runs out of them. */
    acquire() {
      try {
        open(count);
      } catch {
        // Without the permission to read the file, the server runs without spare descriptors.
      }
    },
    /** @throws if too few are free. */
    acquireIfEnoughAreFree() {
      try {
        open(2 * SPARE_DESCRIPTORS);
      } catch (error) {
        if (isOutOfDescriptors(error as Error)) throw error;
      }
      keep(count);
    },
  };
}
