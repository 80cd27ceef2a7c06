/**
 * Which server executes a background run. The entry of a run names its holder; while its version
 * stays the same, the holder is the same, so every write of the holder checks the version. A lease
 * shows that the holder is alive: it expires by the store's clock, because those of servers differ.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import type { Change, EntryKey, Store } from "../../../store/store.ts";
import { type Log, stackWithoutMessage } from "../../telemetry/log.ts";
import { createSetJson } from "../../../store/entries.ts";

const LEASE_MS = 12_000;
const RENEW_MS = 4_000;

/**
 * How long a run must be without a lease before it counts as abandoned: after an outage of the
 * store, holders need time to renew.
 */
const GRACE_MS = 6_000;

/** Maximum number of runs without a lease that are watched. */
const MAX_WATCHED = 1_000;

/** Another server holds the run, or it was cancelled or deleted. */
export class LostRunError extends Error {
  override readonly name = "LostRunError";
}

/** The right of this server to execute a run. */
export interface Claim {
  /**
   * Makes changes if this server still holds the run.
   *
   * @throws {LostRunError} if it does not.
   */
  write(changes: readonly Change[]): Promise<void>;
  /**
   * Returns the changes that end the run, to be written with others.
   *
   * @throws {LostRunError} if this server does not hold the run.
   */
  end(): Promise<Change[]>;
  /**
   * Renews the lease until the returned function is called.
   *
   * @param onLost called if this server does not hold the run any more.
   */
  keepRenewing(onLost: () => void): () => void;
}

export type Claims = ReturnType<typeof createClaims>;

export function createClaims(store: Store, clock: Clock, ttlMs: number, log: Log) {
  const setRun = createSetJson(ttlMs);
  // A response and its claim change in one write, so both belong to the owner.
  const runKey = (owner: string, id: string): EntryKey => ({
    collection: `background/${owner}`,
    id,
  });
  const leaseKey = (owner: string, id: string): EntryKey => ({
    collection: `background-lease/${owner}`,
    id,
  });
  const setLease = (owner: string, id: string): Change => ({
    key: leaseKey(owner, id),
    value: "",
    ttlMs: LEASE_MS,
  });
  /** When runs were first seen without a lease. */
  const unleased = new Map<string, { version: string; since: number }>();

  function release(owner: string, id: string): Change[] {
    return [{ key: runKey(owner, id), delete: true }, { key: leaseKey(owner, id), delete: true }];
  }

  function createClaim(owner: string, id: string, token: string): Claim {
    let known: string | undefined;

    async function version(): Promise<string> {
      if (known !== undefined) return known;
      const [entry] = await store.get([runKey(owner, id)]);
      if (entry === undefined || JSON.parse(entry.value).token !== token) throw new LostRunError();
      return known = entry.version;
    }

    async function write(changes: readonly Change[]): Promise<void> {
      const check: Change = { key: runKey(owner, id), check: true, ifVersion: await version() };
      if (!await store.write([check, ...changes])) throw new LostRunError();
    }

    return {
      write,
      async end() {
        const [run, lease] = release(owner, id) as [Change, Change];
        return [{ ...run, ifVersion: await version() } as Change, lease];
      },
      keepRenewing(onLost) {
        let cancelTimer = () => {};
        let stopped = false;
        function schedule(): void {
          if (!stopped) cancelTimer = clock.timer(RENEW_MS, () => void renew());
        }
        async function renew(): Promise<void> {
          try {
            await write([setLease(owner, id)]);
          } catch (error) {
            if (error instanceof LostRunError) {
              if (!stopped) onLost();
              return;
            }
            log.warn("A background response could not renew its lease", {
              cause: stackWithoutMessage(error),
            });
          }
          schedule();
        }
        schedule();
        return () => {
          stopped = true;
          cancelTimer();
        };
      },
    };
  }

  return {
    /** Returns a claim and the changes that establish it, which fail if the run exists. */
    begin(owner: string, id: string): { claim: Claim; changes: Change[] } {
      const token = crypto.randomUUID();
      return {
        claim: createClaim(owner, id, token),
        changes: [setRun(runKey(owner, id), { token }, null), setLease(owner, id)],
      };
    },
    /** Builds the changes that end a run, held by this server or another. */
    release,
    /** Returns whether a run has a holder that may be alive. */
    async isHeld(owner: string, id: string): Promise<boolean> {
      const [run, lease] = await store.get([runKey(owner, id), leaseKey(owner, id)]);
      const before = unleased.get(id);
      unleased.delete(id);
      if (run === undefined) return false;
      if (lease !== undefined) return true;
      const seen = before?.version === run.version
        ? before
        : { version: run.version, since: clock.now() };
      unleased.set(id, seen);
      if (unleased.size > MAX_WATCHED) unleased.delete(unleased.keys().next().value!);
      return clock.now() - seen.since < GRACE_MS;
    },
  };
}
