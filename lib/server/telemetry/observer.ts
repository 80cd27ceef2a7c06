/**
 * Observers of a request: metrics, traces and the log.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { RunObserver } from "../../reasoning/observer.ts";

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
  const all = observers.filter((observer) => observer !== undefined);
  if (all.length < 2) return all[0];
  return {
    routed: (path) => all.forEach((observer) => observer.routed(path)),
    run: (run) => combineRuns(all.map((observer) => observer.run(run))),
    event: (event) => all.forEach((observer) => observer.event(event)),
    end: (status, error) => all.forEach((observer) => observer.end(status, error)),
  };
}

function combineRuns(runs: readonly RunObserver[]): RunObserver {
  return {
    call(spec) {
      const calls = runs.map((run) => run.call(spec));
      return {
        wrapFetch: (fetch) => calls.reduceRight((inner, call) => call.wrapFetch(inner), fetch),
        attempt(target) {
          const ends = calls.map((call) => call.attempt(target));
          return (end) => ends.forEach((callback) => callback(end));
        },
        // Most calls have no observer of deltas.
        delta: calls.some((call) => call.delta !== undefined)
          ? (delta) => calls.forEach((call) => call.delta?.(delta))
          : undefined,
        failed: (target, error, delayMs) =>
          calls.forEach((call) => call.failed?.(target, error, delayMs)),
        retried: (target, error) => calls.forEach((call) => call.retried(target, error)),
        fellBack: (from, to) => calls.forEach((call) => call.fellBack(from, to)),
        end: (end) => calls.forEach((call) => call.end(end)),
      };
    },
    end: (usage, isWhole, error) => runs.forEach((run) => run.end(usage, isWhole, error)),
  };
}
