/**
 * Lets a client that asks again, while its first request still runs, join that run.
 *
 * @module
 */
import type { CompletionHead } from "../api/chat/encode.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";

/** A run that several requests may read. */
export interface SharedRun {
  /** What all its answers share. */
  head: CompletionHead;
  /**
   * The run's events, from the first; a member that leaves ends only its own reading, and the
   * last one that leaves ends the run.
   *
   * @param signal the member's own.
   */
  read(signal: AbortSignal): AsyncGenerator<ReasoningEvent>;
}

/** The runs in progress, by key. */
export interface SharedRuns {
  /** The run of this key; started if there is none. */
  join(
    key: string,
    head: CompletionHead,
    start: (signal: AbortSignal) => AsyncGenerator<ReasoningEvent>,
  ): SharedRun;
}

/** Creates an empty set of runs. */
export function createSharedRuns(): SharedRuns {
  const runs = new Map<string, SharedRun>();
  return {
    join(key, head, start) {
      const known = runs.get(key);
      if (known !== undefined) return known;
      const run = createRun(head, start, () => runs.delete(key));
      runs.set(key, run);
      return run;
    },
  };
}

function createRun(
  head: CompletionHead,
  start: (signal: AbortSignal) => AsyncGenerator<ReasoningEvent>,
  onEnd: () => void,
): SharedRun {
  const controller = new AbortController();
  const source = start(controller.signal);
  const events: ReasoningEvent[] = [];
  let end: { error?: unknown } | undefined;
  let pulling: Promise<void> | undefined;
  let members = 0;

  /** Whoever is furthest on pulls for all. */
  function pull(): Promise<void> {
    return pulling ??= source.next().then(
      ({ done, value }) => {
        if (done) end = {};
        else events.push(value);
      },
      (error) => {
        end = { error };
      },
    ).finally(() => pulling = undefined);
  }

  return {
    head,
    async *read(signal) {
      members++;
      const left = Promise.withResolvers<never>();
      const leave = () => left.reject(signal.reason);
      left.promise.catch(() => {});
      signal.addEventListener("abort", leave, { once: true });
      try {
        for (let at = 0;;) {
          signal.throwIfAborted();
          const event = events[at];
          if (event !== undefined) {
            at++;
            yield event;
          } else if (end !== undefined) {
            if ("error" in end) throw end.error;
            return;
          } else await Promise.race([pull(), left.promise]);
        }
      } finally {
        signal.removeEventListener("abort", leave);
        if (--members === 0) {
          onEnd();
          controller.abort(signal.reason ?? new DOMException("No reader is left", "AbortError"));
          // One that waits for its next reader hears this alone.
          source.return(undefined).catch(() => {});
        }
      }
    },
  };
}
