import { type Clock, within } from "../clock.ts";
import type { Limiter } from "../store/limiter.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "./telemetry/log.ts";

/** Pause after a check that succeeded, and after one that failed. */
const INTERVAL_MS = 2_000;
const RETRY_MS = 500;

const TIMEOUT_MS = 1_000;

/** Time after which another call is made, although the last one has not returned. */
const LOST_MS = 30_000;

/** Names that no stored entry and no limit has. */
const ENTRY = { collection: "readiness", id: "check" };
const LIMIT = { key: "readiness", amount: 1, windowMs: 1_000, kind: "rate" } as const;

/** Checks in the background whether the store and the limits answer, so that no request has to. */
export function createReadiness(
  { store, limiter, clock, log }: { store: Store; limiter: Limiter; clock: Clock; log: Log },
) {
  const checks = {
    store: createCheck(() => store.get([ENTRY]), clock),
    // A cost of 0 only reads.
    limits: createCheck(() => limiter.take([{ limit: LIMIT, cost: 0 }]), clock),
  };
  let failing: string[] = [];
  let isStopped = false;
  let cancelTimer = () => {};

  async function check(): Promise<void> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, answers]) => await answers() ? [] : [name]),
    );
    if (isStopped) return;
    const before = failing.join(", ");
    failing = results.flat();
    const after = failing.join(", ");
    if (after !== before) {
      if (after === "") log.info("This server is ready again");
      else log.warn("This server is not ready: a back end does not answer", { failing: after });
    }
    cancelTimer = clock.timer(failing.length === 0 ? INTERVAL_MS : RETRY_MS, check);
  }

  return {
    /** Checks until `stop` is called. */
    start: () => void check(),
    stop(): void {
      isStopped = true;
      cancelTimer();
    },
    /** Returns what did not answer the last check: `store`, `limits`, both or nothing. */
    failing: (): readonly string[] => failing,
  };
}

/** Returns a check that is false for an error, and while an answer is late. */
function createCheck(call: () => Promise<unknown>, clock: Clock): () => Promise<boolean> {
  let pending: Promise<boolean> | undefined;
  let since = 0;

  function begin(): Promise<boolean> {
    since = clock.now();
    const answer: Promise<boolean> = call().then(() => true, () => false).finally(() => {
      if (pending === answer) pending = undefined;
    });
    return pending = answer;
  }

  return async () => {
    // Calls to a back end that hangs must not pile up.
    const isLost = clock.now() - since >= LOST_MS;
    return await within(clock, TIMEOUT_MS, isLost ? begin() : pending ?? begin()) === true;
  };
}
