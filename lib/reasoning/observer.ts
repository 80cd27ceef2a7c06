/**
 * Who watches a run.
 *
 * @module
 */
import type { Delta } from "../upstream/wire/deltas.ts";
import type { CallEnd, CallObserver } from "../upstream/observer.ts";
import type { CallSpec } from "./strategy.ts";
import type { Usage } from "./usage.ts";

/** Told of the course of one call of a strategy's. */
export interface RunCallObserver extends CallObserver {
  /** Takes all that came, where that is wanted at all. */
  delta?: ((delta: Delta) => void) | undefined;
  /** The call is over. */
  end(end: CallEnd): void;
}

/** Told of the course of one run. */
export interface RunObserver {
  /** A call begins: until its end the run waits for upstreams. */
  call(spec: CallSpec): RunCallObserver;
  /**
   * The run is over, and so are all its calls.
   *
   * @param usage what it used, whichever way it ended.
   * @param isWhole whether it came to its finish.
   * @param error what it threw; undefined also where its reader left.
   */
  end(usage: Usage, isWhole: boolean, error?: unknown): void;
}
