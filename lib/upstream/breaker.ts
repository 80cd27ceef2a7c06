import type { Clock } from "../clock.ts";
import type { UpstreamOptions } from "./options.ts";

/** Circuit breaker of one upstream: closed, or open while the upstream cools down. */
export interface Breaker {
  /** Whether a call should be sent: the breaker is closed, or one call may probe the upstream. */
  isReady(): boolean;
  /** Whether the upstream has failed too often and no call has succeeded since. */
  isOpen(): boolean;
  begin(): void;
  /** `unknown` if the call was cancelled: it counts neither as a success nor as a failure. */
  end(outcome: "ok" | "failed" | "unknown"): void;
}

/** The window advances in this many steps. */
const BUCKETS = 10;

export function createBreaker(clock: Clock, options: UpstreamOptions["breaker"]): Breaker {
  const bucketMs = options.window_ms / BUCKETS;
  let buckets: { index: number; calls: number; failed: number }[] = [];
  let openUntil: number | undefined;
  let inFlight = 0;

  function open(): void {
    openUntil = clock.now() + options.cooldown_ms;
    buckets = [];
  }

  function count(failed: boolean): void {
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
    if (calls >= options.min_calls && failures / calls >= options.failure_ratio) open();
  }

  return {
    isReady: () => openUntil === undefined || clock.now() >= openUntil && inFlight === 0,
    isOpen: () => openUntil !== undefined,
    begin() {
      inFlight++;
    },
    end(outcome) {
      inFlight--;
      if (outcome === "unknown") return;
      if (openUntil === undefined) count(outcome === "failed");
      else if (outcome === "ok") openUntil = undefined;
      else if (clock.now() >= openUntil) open();
    },
  };
}
