/**
 * Who watches the calls to upstreams. Nothing is told for each delta.
 *
 * @module
 */
import type { Fetch } from "./attempt.ts";
import type { UpstreamError } from "./errors.ts";
import type { Target } from "./target.ts";

/** How something ended: well, cut off by its caller, or with an upstream's failure. */
export type CallEnd = "ok" | "cancelled" | UpstreamError;

/** Told of the course of one call. */
export interface CallObserver {
  /** The same `fetch`, in whose traces the call is seen. */
  around(fetch: Fetch): Fetch;
  /** An exchange with an upstream begins; the returned function is told once how it ended. */
  attempt(target: Target): (end: CallEnd) => void;
  /** The upstream is asked again. */
  retried(target: Target, error: UpstreamError): void;
  /** The next upstream is asked in this one's place. */
  fellBack(from: Target): void;
}
