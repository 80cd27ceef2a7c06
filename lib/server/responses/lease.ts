import type { Clock } from "../../clock.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { createSetJson } from "./entries.ts";

/** How long the server of a run may be silent before the run counts as lost. */
const LEASE_MS = 30_000;

const RENEW_MS = 5_000;

/** Leases in the store, which show other servers that a background run is alive. */
export function createLeases(store: Store, clock: Clock, ttlMs: number, log: Log) {
  const server = crypto.randomUUID();
  const setJson = createSetJson({ ttlMs, now: clock.date });
  const keyOf = (id: string): EntryKey => ({ collection: "background", id });
  const set = (id: string, ifVersion: string | null) =>
    setJson(keyOf(id), { server, until: clock.date() + LEASE_MS }, ifVersion);

  return {
    /** Builds the change that takes a lease; it fails if the lease exists. */
    take: (id: string): Change => set(id, null),
    /** Builds the change that ends a lease. */
    release: (id: string): Change => ({ key: keyOf(id), delete: true }),
    async isHeld(id: string): Promise<boolean> {
      const [entry] = await store.get([keyOf(id)]);
      return entry !== undefined && JSON.parse(entry.value).until > clock.date();
    },
    /**
     * Renews a lease until the returned function is called.
     *
     * @param onLost called if the lease was released elsewhere.
     */
    keepRenewing(id: string, onLost: () => void): () => void {
      let cancelTimer = () => {};
      let stopped = false;
      function schedule(): void {
        if (!stopped) cancelTimer = clock.timer(RENEW_MS, () => void renew());
      }
      async function renew(): Promise<void> {
        try {
          const [entry] = await store.get([keyOf(id)]);
          const held = entry !== undefined && await store.write([set(id, entry.version)]);
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
