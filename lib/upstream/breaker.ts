/**
 * Lets a failing upstream cool down.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { UpstreamOptions } from "./options.ts";

/** What is known of an upstream's health. */
export interface Breaker {
  /**
   * Whether the upstream should be tried before one that is cooling. After the cool-down one
   * call at a time is let through as a probe.
   */
  isReady(): boolean;
  /** Whether the upstream has failed too often and has not answered since. */
  isOpen(): boolean;
  /** A call begins. */
  begin(): void;
  /** A call has ended: well, badly, or cut off by its caller, which says nothing. */
  end(outcome: "ok" | "failed" | "unknown"): void;
}

/** The window moves in so many steps; finer would only cost memory. */
const BUCKETS = 10;

/** Creates the breaker of one upstream, closed. */
export function createBreaker(clock: Clock, options: UpstreamOptions["breaker"]): Breaker {
  const span = options.window_ms / BUCKETS;
  let buckets: { at: number; ok: number; failed: number }[] = [];
  let openUntil: number | undefined;
  let inFlight = 0;

  function current(): { ok: number; failed: number } {
    const at = Math.floor(clock.now() / span);
    let last = buckets.at(-1);
    if (last?.at !== at) {
      buckets = buckets.filter((bucket) => bucket.at > at - BUCKETS);
      buckets.push(last = { at, ok: 0, failed: 0 });
    }
    return last;
  }

  function open(): void {
    openUntil = clock.now() + options.cooldown_ms;
    buckets = [];
  }

  return {
    isReady() {
      if (openUntil === undefined) return true;
      return clock.now() >= openUntil && inFlight === 0;
    },
    isOpen: () => openUntil !== undefined,
    begin() {
      inFlight++;
    },
    end(outcome) {
      inFlight--;
      if (outcome === "unknown") return;
      if (openUntil !== undefined) {
        if (outcome === "ok") openUntil = undefined;
        else if (clock.now() >= openUntil) open();
        return;
      }
      const bucket = current();
      if (outcome === "ok") {
        bucket.ok++;
        return;
      }
      bucket.failed++;
      const failed = buckets.reduce((sum, each) => sum + each.failed, 0);
      const calls = buckets.reduce((sum, each) => sum + each.ok + each.failed, 0);
      if (calls >= options.min_calls && failed / calls >= options.failure_ratio) open();
    },
  };
}
