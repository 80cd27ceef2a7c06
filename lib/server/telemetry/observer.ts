/** Observers of a request: metrics, traces and the log. */
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

/** An observer lacks the methods that it does not need. */
export interface RequestObserver {
  /** Called with the path of the request's route. */
  routed?: ((path: string) => void) | undefined;
  /** Called before a run starts. */
  run(run: ObservedRun): RunObserver;
  /** Called for each event of the run before it is sent. */
  event?: ((event: ReasoningEvent) => void) | undefined;
  /**
   * Called at the end of the request.
   *
   * @param status 499 if the client disconnected.
   */
  end?: ((status: number, error?: unknown) => void) | undefined;
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

export function combineObservers(
  observers: readonly (RequestObserver | undefined)[],
): RequestObserver | undefined {
  return observers.reduce((a, b) => a && b ? bothRequests(a, b) : a ?? b);
}

function bothRequests(a: RequestObserver, b: RequestObserver): RequestObserver {
  return {
    routed: both(a.routed, b.routed),
    run: (run) => bothRuns(a.run(run), b.run(run)),
    event: both(a.event, b.event),
    end: both(a.end, b.end),
  };
}

function bothRuns(a: RunObserver, b: RunObserver): RunObserver {
  return {
    call: (spec) => bothCalls(a.call(spec), b.call(spec)),
    tool: both(a.tool, b.tool),
    end: both(a.end, b.end),
  };
}

function bothCalls(a: RunCallObserver, b: RunCallObserver): RunCallObserver {
  const { wrapFetch: wrapA, attempt: attemptA } = a;
  const { wrapFetch: wrapB, attempt: attemptB } = b;
  return {
    wrapFetch: wrapA && wrapB ? (fetch) => wrapA(wrapB(fetch)) : wrapA ?? wrapB,
    attempt: attemptA && attemptB
      ? (target) => both(attemptA(target), attemptB(target))!
      : attemptA ?? attemptB,
    delta: both(a.delta, b.delta),
    failed: both(a.failed, b.failed),
    retried: both(a.retried, b.retried),
    fellBack: both(a.fellBack, b.fellBack),
    end: both(a.end, b.end),
  };
}

/** Returns a function that calls both; the only one itself if the other is missing. */
function both<Args extends unknown[]>(
  a: ((...args: Args) => void) | undefined,
  b: ((...args: Args) => void) | undefined,
): ((...args: Args) => void) | undefined {
  return a && b
    ? (...args) => {
      a(...args);
      b(...args);
    }
    : a ?? b;
}
