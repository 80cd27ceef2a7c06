/**
 * Observers of a request: metrics, traces and the log.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { RunCallObserver, RunObserver } from "../../reasoning/observer.ts";

export interface ObservedRun {
  /** Owner of what the client stores. */
  client: string;
  /** Id of the published model. */
  model: string;
  strategy: string;
  /** Whether the answer is streamed. */
  stream: boolean;
}

export interface RequestObserver {
  /** Called with the path of the request's route. */
  routed(path: string): void;
  /** Called before a run starts. */
  run(run: ObservedRun): RunObserver;
  /** Called for each event of the run before it is sent. */
  event(event: ReasoningEvent): void;
  /**
   * Called at the end of the request.
   *
   * @param status 499 if the client disconnected.
   */
  end(status: number, error?: unknown): void;
}

const DIALECTS: Readonly<Record<string, string>> = {
  "/chat/completions": "chat",
  "/messages": "messages",
  "/responses": "responses",
};

/** Returns the value of `o1_api.dialect` for a route. */
export function dialectLabel(path: string): string {
  return DIALECTS[path] ?? "other";
}

/** Combines observers into one that calls them all. */
export function combineObservers(
  observers: readonly (RequestObserver | undefined)[],
): RequestObserver | undefined {
  return observers.reduce((a, b) => a === undefined ? b : b === undefined ? a : both(a, b));
}

// Pairs are cheaper than loops over lists, which each request would make a dozen of.
function both(a: RequestObserver, b: RequestObserver): RequestObserver {
  return {
    routed(path) {
      a.routed(path);
      b.routed(path);
    },
    run: (run) => bothRuns(a.run(run), b.run(run)),
    event(event) {
      a.event(event);
      b.event(event);
    },
    end(status, error) {
      a.end(status, error);
      b.end(status, error);
    },
  };
}

function bothRuns(a: RunObserver, b: RunObserver): RunObserver {
  return {
    call: (spec) => bothCalls(a.call(spec), b.call(spec)),
    end(usage, isWhole, error) {
      a.end(usage, isWhole, error);
      b.end(usage, isWhole, error);
    },
  };
}

function bothCalls(a: RunCallObserver, b: RunCallObserver): RunCallObserver {
  return {
    wrapFetch: (fetch) => a.wrapFetch(b.wrapFetch(fetch)),
    attempt(target) {
      const endA = a.attempt(target);
      const endB = b.attempt(target);
      return (end) => {
        endA(end);
        endB(end);
      };
    },
    // Most calls have no observer of deltas.
    delta: a.delta === undefined ? b.delta : b.delta === undefined ? a.delta : (delta) => {
      a.delta?.(delta);
      b.delta?.(delta);
    },
    failed(target, error, delayMs) {
      a.failed?.(target, error, delayMs);
      b.failed?.(target, error, delayMs);
    },
    retried(target, error) {
      a.retried(target, error);
      b.retried(target, error);
    },
    fellBack(from, to) {
      a.fellBack(from, to);
      b.fellBack(from, to);
    },
    end(end) {
      a.end(end);
      b.end(end);
    },
  };
}
