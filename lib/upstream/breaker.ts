import type { Clock } from "../clock.ts";
import type { UpstreamError } from "./errors/upstream_error.ts";
import type { UpstreamOptions } from "./options.ts";

export type Breaker = ReturnType<typeof createBreaker>;

export type BreakerCall = ReturnType<Breaker["begin"]>;

/** The window advances in this many steps. */
const BUCKETS = 10;

/**
 * Creates the circuit breaker of one upstream: closed, open while the upstream cools down, and then
 * half-open until one call, the probe, has succeeded.
 *
 * @param options returns the current options; read at each use.
 * @param onChange called when it opens, and when it closes.
 */
export function createBreaker(
  clock: Clock,
  options: () => UpstreamOptions["breaker"],
  onChange: (isOpen: boolean) => void,
) {
  let bucketMs = NaN;
  let buckets: { index: number; calls: number; failed: number }[] = [];
  let openUntil: number | undefined;
  let probe: PromiseWithResolvers<UpstreamError | undefined> | undefined;

  const isHalfOpen = () => openUntil !== undefined && clock.now() >= openUntil;

  function open(): void {
    const isChange = openUntil === undefined;
    openUntil = clock.now() + options().cooldown_ms;
    buckets = [];
    if (isChange) onChange(true);
  }

  function endProbe(error?: UpstreamError): void {
    probe?.resolve(error);
    probe = undefined;
  }

  function close(): void {
    const isChange = openUntil !== undefined;
    openUntil = undefined;
    endProbe();
    if (isChange) onChange(false);
  }

  function count(failed: boolean): void {
    const { window_ms: windowMs, min_calls: minCalls, failure_ratio: ratio } = options();
    if (bucketMs !== windowMs / BUCKETS) buckets = [];
    bucketMs = windowMs / BUCKETS;
    const index = Math.floor(clock.now() / bucketMs);
    let bucket = buckets.at(-1);
    if (bucket?.index !== index) {
      buckets = buckets.filter((bucket) => bucket.index > index - BUCKETS);
      buckets.push(bucket = { index, calls: 0, failed: 0 });
    }
    bucket.calls++;
    if (!failed) return;
    bucket.failed++;
    const calls = buckets.reduce((sum, bucket) => sum + bucket.calls, 0);
    const failures = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
    if (calls >= minCalls && failures / calls >= ratio) open();
  }

  return {
    /** Whether a call should be sent: the breaker is closed, or the call may be the probe. */
    isReady: () => openUntil === undefined || isHalfOpen() && probe === undefined,
    /** Whether the upstream has failed too often and no call has succeeded since. */
    isOpen: () => openUntil !== undefined,
    /**
     * Resolves when the call that probes the upstream has succeeded, failed (with its error) or was
     * cancelled; undefined without such a call.
     */
    probe: () => probe?.promise,
    begin() {
      const own = isHalfOpen() && probe === undefined
        ? Promise.withResolvers<UpstreamError | undefined>()
        : null;
      if (own !== null) probe = own;
      return {
        /** Called with the first output; the rest of the answer may take minutes. */
        answered: close,
        /** `unknown` if the call was cancelled: it counts neither as a success nor as a failure. */
        end(outcome: "ok" | "unknown" | UpstreamError): void {
          const isProbe = probe === own;
          if (outcome === "unknown") return isProbe ? endProbe() : undefined;
          if (openUntil === undefined) return count(outcome !== "ok");
          if (outcome === "ok") return close();
          if (!isProbe) return;
          open();
          endProbe(outcome);
        },
      };
    },
  };
}
