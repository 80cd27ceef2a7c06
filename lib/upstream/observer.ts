import type { Fetch } from "./attempt.ts";
import type { UpstreamError } from "./errors/upstream_error.ts";
import type { Target } from "./target.ts";

/** How a call ended; `cancelled` if its reader stopped or its signal was aborted. */
export type CallEnd = "ok" | "cancelled" | UpstreamError;

/** Observes one call. An observer lacks the methods that it does not need. */
export interface CallObserver {
  /** Returns a `fetch` whose requests belong to the call's trace. */
  wrapFetch?: ((fetch: Fetch) => Fetch) | undefined;
  /** Called when an attempt starts; the returned function is called once with its end. */
  attempt?: ((target: Target) => (end: CallEnd) => void) | undefined;
  /**
   * Called after each failed attempt.
   *
   * @param delayMs delay before the next attempt on the same upstream; undefined after the last.
   */
  failed?:
    | ((target: Target, error: UpstreamError, delayMs: number | undefined) => void)
    | undefined;
  /** Called before each retry on the same upstream. */
  retried?: ((target: Target, error: UpstreamError) => void) | undefined;
  /** Called when the next upstream is tried after `from` failed. */
  fellBack?: ((from: Target, to: Target) => void) | undefined;
}
