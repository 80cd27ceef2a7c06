import type { Delta } from "../upstream/wire/deltas.ts";
import type { CallEnd, CallObserver } from "../upstream/observer.ts";
import type { CallSpec } from "./strategy.ts";
import type { Usage } from "./usage/meter.ts";

/** Watches one call of a strategy. */
export interface RunCallObserver extends CallObserver {
  /** Called for each delta. */
  delta?: ((delta: Delta) => void) | undefined;
  end?: ((end: CallEnd) => void) | undefined;
}

/** One run of a tool, without what it was about. */
export interface ToolRun {
  name: string;
  ms: number;
  /** Size of the texts that it returned. */
  bytes: number;
  outcome: "ok" | "error" | "cancelled";
}

export interface RunObserver {
  /** Called when a call begins. */
  call(spec: CallSpec): RunCallObserver;
  /** Called when a tool has run. */
  tool?: ((run: ToolRun) => void) | undefined;
  /**
   * Called when the run and all its calls are over.
   *
   * @param isWhole whether the run reached its `finish` event.
   * @param error what the run threw; undefined also if its reader stopped reading.
   */
  end?: ((usage: Usage, isWhole: boolean, error?: unknown) => void) | undefined;
}
