/**
 * The work in progress: each request's signal, deadline and end.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { ApiError } from "../api/errors.ts";

/** One request's work. */
export interface Work {
  /** Ends the work: client gone, deadline or shutdown; its reason says which. */
  signal: AbortSignal;
  /** Aborts the work. */
  abort(reason: unknown): void;
  /**
   * Sets the time the work may take.
   *
   * @returns when it must have ended, on the clock's `now`.
   */
  limit(ms: number): number;
  /** The work is over; safe to call more than once. */
  end(): void;
}

/** All work in progress. */
export interface WorkRegister {
  /** Begins a request's work. */
  begin(): Work;
  /** How much work is in progress. */
  readonly active: number;
  /** Aborts all of it. */
  abortAll(reason: unknown): void;
  /** Resolves when none is left. */
  idle(): Promise<void>;
}

/** Creates an empty register. */
export function createWorkRegister(clock: Clock): WorkRegister {
  const active = new Set<AbortController>();
  let waiting: (() => void)[] = [];

  function leave(controller: AbortController): void {
    if (!active.delete(controller) || active.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    begin() {
      const controller = new AbortController();
      active.add(controller);
      let cancelTimer = () => {};
      return {
        signal: controller.signal,
        abort: (reason) => controller.abort(reason),
        limit(ms) {
          cancelTimer = clock.timer(ms, () => controller.abort(tooLong(ms)));
          return clock.now() + ms;
        },
        end() {
          cancelTimer();
          leave(controller);
        },
      };
    },
    get active() {
      return active.size;
    },
    abortAll(reason) {
      for (const controller of [...active]) controller.abort(reason);
    },
    idle() {
      if (active.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

function tooLong(ms: number): ApiError {
  return new ApiError(504, `The request took longer than ${ms / 1000} s, the server's limit.`, {
    code: "request_timeout",
  });
}
