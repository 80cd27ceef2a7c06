/** Running work: each piece has a signal and a time limit, and shutdown waits for all of it. */
import { ApiError } from "../api/errors.ts";
import type { Clock } from "../clock.ts";

export type WorkRegister = ReturnType<typeof createWorkRegister>;

/** The work for one request. */
export type Work = ReturnType<WorkRegister["begin"]>;

export function createWorkRegister(clock: Clock) {
  const active = new Set<AbortController>();
  let idle = Promise.withResolvers<void>();

  return {
    begin() {
      const controller = new AbortController();
      active.add(controller);
      let cancelTimer = () => {};
      const callbacks: (() => void)[] = [];
      return {
        /** Aborted when the client disconnects, at the time limit, or at shutdown. */
        signal: controller.signal,
        abort: (reason: unknown) => controller.abort(reason),
        /** Starts the time limit; returns the deadline on the clock's `now`. */
        limit(ms: number): number {
          cancelTimer = clock.timer(ms, () => controller.abort(timedOut(ms)));
          return clock.now() + ms;
        },
        /** Adds a function that is called when the work ends, even if it never began to run. */
        onEnd: (callback: () => void) => void callbacks.push(callback),
        /** Can be called more than once. */
        end(): void {
          cancelTimer();
          if (!active.delete(controller)) return;
          for (const callback of callbacks) callback();
          if (active.size > 0) return;
          idle.resolve();
          idle = Promise.withResolvers();
        },
      };
    },
    abortAll(reason: unknown): void {
      for (const controller of active) controller.abort(reason);
    },
    idle: (): Promise<void> => active.size === 0 ? Promise.resolve() : idle.promise,
  };
}

function timedOut(ms: number): ApiError {
  return new ApiError(504, `The request took longer than ${ms / 1000} s, the server's limit.`, {
    code: "request_timeout",
  });
}
