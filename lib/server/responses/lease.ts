import type { Clock } from "../../clock.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { createSetJson } from "../../store/entries.ts";

/**
 * How long another server must see a lease unchanged before its run counts as lost. Each server
 * measures this with its own monotonic clock, because wall clocks differ and jump.
 */
const LEASE_MS = 30_000;

const RENEW_MS = 5_000;

/** Maximum number of leases of other servers that are watched. */
const MAX_SEEN = 1_000;

/** Leases in the store, which show other servers that a background run is alive. */
export function createLeases(store: Store, clock: Clock, ttlMs: number, log: Log) {
  const server = crypto.randomUUID();
  const setJson = createSetJson(ttlMs);
  // A response and its lease change in one write, so both belong to the owner.
  const keyOf = (owner: string, id: string): EntryKey => ({
    collection: `background/${owner}`,
    id,
  });
  const set = (owner: string, id: string, ifVersion: string | null) =>
    setJson(keyOf(owner, id), { server }, ifVersion);
  const seen = new Map<string, { version: string; since: number }>();

  return {
    /** Builds the change that takes a lease; it fails if the lease exists. */
    take: (owner: string, id: string): Change => set(owner, id, null),
    /** Builds the change that ends a lease. */
    release: (owner: string, id: string): Change => ({ key: keyOf(owner, id), delete: true }),
    async isHeld(owner: string, id: string): Promise<boolean> {
      const [entry] = await store.get([keyOf(owner, id)]);
      const last = seen.get(id);
      if (last !== undefined && last.version === entry?.version) {
        return clock.now() - last.since < LEASE_MS;
      }
      seen.delete(id);
      if (entry === undefined) return false;
      seen.set(id, { version: entry.version, since: clock.now() });
      if (seen.size > MAX_SEEN) seen.delete(seen.keys().next().value!);
      return true;
    },
    /**
     * Renews a lease until the returned function is called.
     *
     * @param onLost called if the lease was released elsewhere.
     */
    keepRenewing(owner: string, id: string, onLost: () => void): () => void {
      let cancelTimer = () => {};
      let stopped = false;
      function schedule(): void {
        if (!stopped) cancelTimer = clock.timer(RENEW_MS, () => void renew());
      }
      async function renew(): Promise<void> {
        try {
          const [entry] = await store.get([keyOf(owner, id)]);
          const held = entry !== undefined && await store.write([set(owner, id, entry.version)]);
          if (held) schedule();
          else if (!stopped) onLost();
        } catch (error) {
          log.warn("A background response could not renew its lease", {
            cause: stackWithoutMessage(error),
          });
          schedule();
        }
      }
      schedule();
      return () => {
        stopped = true;
        cancelTimer();
      };
    },
  };
}
