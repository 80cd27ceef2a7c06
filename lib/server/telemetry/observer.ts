/**
 * Who watches a request: metrics, traces, both or nobody.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { RunCallObserver, RunObserver } from "../../reasoning/observer.ts";

/** What is run for a request. */
export interface ObservedRun {
  /** The published model's id. */
  model: string;
  /** The strategy that runs. */
  strategy: string;
  /** Whether the answer is a stream. */
  stream: boolean;
}

/** Told of the course of one request. */
export interface RequestObserver {
  /** The request's route is known: its path as the router has it. */
  routed(path: string): void;
  /** A run is prepared for it. */
  run(run: ObservedRun): RunObserver;
  /** An event of the run is about to be written. */
  event(event: ReasoningEvent): void;
  /**
   * The answer is over.
   *
   * @param status the HTTP status; 499 where the client left.
   * @param error what went wrong, if anything did.
   */
  end(status: number, error?: unknown): void;
}

/** The wire dialects of routes that run something. */
const DIALECTS: Readonly<Record<string, string>> = {
  "/chat/completions": "chat",
  "/messages": "messages",
  "/responses": "responses",
};

/** What the requests of a route are counted under: a dialect, or `other`. */
export function dialectOf(path: string): string {
  return DIALECTS[path] ?? "other";
}

/** Tells both, or the one that there is. */
export function observeBoth(
  a: RequestObserver | undefined,
  b: RequestObserver | undefined,
): RequestObserver | undefined {
  if (a === undefined || b === undefined) return a ?? b;
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
    around: (fetch) => a.around(b.around(fetch)),
    attempt(target) {
      const [first, second] = [a.attempt(target), b.attempt(target)];
      return (end) => {
        first(end);
        second(end);
      };
    },
    delta: a.delta ?? b.delta,
    retried(target, error) {
      a.retried(target, error);
      b.retried(target, error);
    },
    fellBack(from) {
      a.fellBack(from);
      b.fellBack(from);
    },
    end(end) {
      a.end(end);
      b.end(end);
    },
  };
}
