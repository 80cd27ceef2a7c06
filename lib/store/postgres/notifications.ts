import { sleep, systemClock } from "../../clock.ts";
import { reconnectDelayMs } from "../server_errors.ts";
import type { PoolOptions } from "./connection.ts";
import { closeInTime, driverOptions, loadDriver, type PgClient } from "./driver.ts";
import { CHANNEL } from "./migrations.ts";

/**
 * Receives the names of collections that other stores have changed. It opens a connection of its own
 * when the first one is watched, and opens it again whenever it is lost. The pool reports errors.
 */
export function createNotifications(
  { address, timeoutMs, ca }: Pick<PoolOptions, "address" | "timeoutMs" | "ca">,
) {
  const sender = crypto.randomUUID();
  const listeners = new Map<string, () => void>();
  let client: PgClient | undefined;
  let ended: Promise<void> | undefined;
  const closing = new AbortController();

  async function listenOnce(): Promise<void> {
    const { Client } = await loadDriver();
    const opened = new Client(driverOptions(address, timeoutMs, ca));
    client = opened;
    const closed = new Promise((resolve) => opened.once("end", resolve));
    opened.on("error", () => {});
    opened.on("notification", ({ payload }) => {
      if (!payload.startsWith(sender)) listeners.get(payload.slice(sender.length + 1))?.();
    });
    try {
      await opened.connect();
      if (closing.signal.aborted) return;
      await opened.query(`listen ${CHANNEL}`);
      // Some may have been missed.
      for (const onChange of [...listeners.values()]) onChange();
      await closed;
    } finally {
      await closeInTime(opened.end(), [opened]);
    }
  }

  async function keepListening(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      try {
        await listenOnce();
        failures = 0;
      } catch {
        // The pool says why.
      }
      // Rejects when this is closed.
      await sleep(systemClock, reconnectDelayMs(failures), closing.signal).catch(() => {});
    }
  }

  return {
    /** Returns what to send for a change of this store. */
    payloadFor: (collection: string) => `${sender} ${collection}`,
    watch(collection: string, onChange: () => void): () => void {
      listeners.set(collection, onChange);
      ended ??= keepListening();
      return () => listeners.delete(collection);
    },
    async close(): Promise<void> {
      closing.abort();
      if (client !== undefined) await closeInTime(client.end(), [client]);
      await ended;
    },
  };
}
