/**
 * Which server executes a background run. The entry of a run names its holder; while its version
 * stays the same, the holder is the same, so every write of the holder checks the version. A lease
 * shows that the holder is alive: it expires by the store's clock, because those of servers differ.
 */
import type { Clock } from "../../../clock.ts";
import { createSetJson } from "../../../store/entries.ts";
import type { Change, EntryKey, Store } from "../../../store/store.ts";
import { type Log, stackWithoutMessage } from "../../telemetry/log.ts";

const LEASE_MS = 12_000;
const RENEW_MS = 4_000;

/**
 * How long a run must be without a lease before it counts as abandoned: after an outage of the
 * store, holders need time to renew.
 */
const GRACE_MS = 6_000;

/**
 * Maximum number of runs without a lease that are watched. If there are more, runs are forgotten
 * before they count as abandoned.
 */
const MAX_WATCHED = 20_000;

/** Another server holds the run, or it was cancelled or deleted. */
export class LostRunError extends Error {
  override readonly name = "LostRunError";
}

export interface RunKey {
  owner: string;
  /** Id of the response. */
  id: string;
}

export interface RunRecord {
  /** Id of the client. */
  client: string;
  /** When the run must end, by the store's clock. */
  deadline: number;
  /** How often a server took the run over because its holder had died. */
  takeovers: number;
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
   * Leaves the run to other servers. Does not count as one of the takeovers.
   *
   * @throws {LostRunError} if this server does not hold the run.
   */
  handOver(): Promise<void>;
  /**
   * Renews the lease until the returned function is called.
   *
   * @param onLost called if this server does not hold the run any more.
   */
  keepRenewing(onLost: () => void): () => void;
}

/** `held`: its holder is alive, or may be. `abandoned`: it is dead, or has handed the run over. */
export type RunState =
  | { type: "missing" | "held" }
  | { type: "abandoned"; record: RunRecord; version: string };

export function createClaims(store: Store, clock: Clock, ttlMs: number, log: Log) {
  const setJson = createSetJson(ttlMs);
  // A response and its claim change in one write, so both belong to the owner.
  const keysIn = (type: string) => ({ owner, id }: RunKey): EntryKey => ({
    collection: `${type}/${owner}`,
    id,
  });
  const runKey = keysIn("background");
  const leaseKey = keysIn("background-lease");
  const requestKey = keysIn("background-request");
  const setLease = (run: RunKey): Change => ({ key: leaseKey(run), value: "", ttlMs: LEASE_MS });
  /** When runs were first seen without a lease. */
  const unleased = new Map<string, { version: string; since: number }>();

  function release(run: RunKey): Change[] {
    return [runKey, leaseKey, requestKey].map((keyOf) => ({ key: keyOf(run), delete: true }));
  }

  /** Builds the changes that make the owner of the token the holder of a run. */
  function hold(
    run: RunKey,
    record: RunRecord,
    token: string,
    ifVersion: string | null,
  ): [Change, Change] {
    return [setJson(runKey(run), { ...record, token }, ifVersion), setLease(run)];
  }

  function createClaim(run: RunKey, record: RunRecord, token: string): Claim {
    let heldVersion: string | undefined;

    async function version(): Promise<string> {
      if (heldVersion !== undefined) return heldVersion;
      const [entry] = await store.get([runKey(run)]);
      if (entry === undefined || JSON.parse(entry.value).token !== token) throw new LostRunError();
      return heldVersion = entry.version;
    }

    async function write(changes: readonly Change[]): Promise<void> {
      const check: Change = { key: runKey(run), check: true, ifVersion: await version() };
      if (!await store.write([check, ...changes])) throw new LostRunError();
    }

    return {
      write,
      async end() {
        const [deletion, ...others] = release(run);
        return [{ ...deletion!, ifVersion: await version() }, ...others];
      },
      async handOver() {
        const takeovers = record.takeovers - 1;
        const written = await store.write([
          setJson(runKey(run), { ...record, takeovers }, await version()),
          { key: leaseKey(run), delete: true },
        ]);
        if (!written) throw new LostRunError();
      },
      keepRenewing(onLost) {
        let cancelTimer = () => {};
        let stopped = false;
        function schedule(): void {
          if (!stopped) cancelTimer = clock.timer(RENEW_MS, () => void renew());
        }
        async function renew(): Promise<void> {
          try {
            await write([setLease(run)]);
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
    /**
     * Returns a claim and the changes that establish it, which fail if the run exists.
     *
     * @param request stored with the run, for servers that take it over.
     */
    begin(run: RunKey, record: RunRecord, request: string | undefined) {
      const token = crypto.randomUUID();
      return {
        claim: createClaim(run, record, token),
        changes: [
          ...hold(run, record, token, null),
          ...request === undefined ? [] : [setJson(requestKey(run), request)],
        ],
      };
    },
    async request(run: RunKey): Promise<string | undefined> {
      const [entry] = await store.get([requestKey(run)]);
      return entry && JSON.parse(entry.value);
    },
    /**
     * Claims an abandoned run.
     *
     * @param version that of its entry.
     * @returns undefined if another server has changed it.
     */
    async takeOver(run: RunKey, found: RunRecord, version: string): Promise<Claim | undefined> {
      const record = { ...found, takeovers: found.takeovers + 1 };
      const token = crypto.randomUUID();
      const [held, lease] = hold(run, record, token, version);
      const isTaken = await store.write([held, { ...lease, ifVersion: null }]);
      return isTaken ? createClaim(run, record, token) : undefined;
    },
    /** Builds the changes that end a run, held by this server or another. */
    release,
    async inspect(runs: readonly RunKey[]): Promise<RunState[]> {
      const entries = await store.get(runs.flatMap((run) => [runKey(run), leaseKey(run)]));
      return runs.map(({ owner, id }, index): RunState => {
        const [run, lease] = entries.slice(2 * index);
        const name = `${owner}/${id}`;
        const before = unleased.get(name);
        unleased.delete(name);
        if (run === undefined) return { type: "missing" };
        if (lease !== undefined) return { type: "held" };
        const { version, value } = run;
        const { token, ...record } = JSON.parse(value) as RunRecord & { token?: string };
        // A run that was handed over has no holder that could return.
        if (token === undefined) return { type: "abandoned", record, version };
        const seen = before?.version === version ? before : { version, since: clock.now() };
        unleased.set(name, seen);
        if (unleased.size > MAX_WATCHED) unleased.delete(unleased.keys().next().value!);
        return clock.now() - seen.since < GRACE_MS
          ? { type: "held" }
          : { type: "abandoned", record, version };
      });
    },
  };
}
