import type { CompletionHead } from "../../api/chat/encode.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import { createEventBuffer } from "../event_buffer.ts";

/** A run that answers several requests. */
type SharedRun = ReturnType<typeof createRun>;

type Start = (signal: AbortSignal) => AsyncGenerator<ReasoningEvent>;

/** Lets a client that repeats a request, while the first one is still running, join its run. */
export function createSharedRuns() {
  const runs = new Map<string, SharedRun>();
  return {
    /** The current run of this key, or a new one. */
    join(key: string, head: CompletionHead, start: Start): SharedRun {
      const run: SharedRun = runs.get(key) ?? createRun(head, start, {
        // Nothing would end a run that is never read.
        onBegin: () => runs.set(key, run),
        onEnd: () => runs.delete(key),
      });
      return run;
    },
  };
}

function createRun(
  head: CompletionHead,
  start: Start,
  { onBegin, onEnd }: { onBegin: () => void; onEnd: () => void },
) {
  const controller = new AbortController();
  const source = start(controller.signal);
  const buffer = createEventBuffer(pull);
  let pulling: Promise<void> | undefined;
  let readers = 0;

  /** The most advanced reader pulls for every reader. */
  function pull(): Promise<void> {
    return pulling ??= source.next()
      .then(({ done, value }) => done ? buffer.end({}) : buffer.add(value))
      .catch((error) => buffer.end({ error }))
      .finally(() => pulling = undefined);
  }

  return {
    /** The head of all its responses. */
    head,
    /** Reads all events. The run is aborted when its last reader stops. */
    async *read(signal: AbortSignal): AsyncGenerator<ReasoningEvent> {
      if (readers++ === 0) onBegin();
      try {
        yield* buffer.read(signal);
      } finally {
        if (--readers === 0) {
          onEnd();
          controller.abort(signal.reason ?? new DOMException("No reader is left", "AbortError"));
          // The signal does not reach a source that is suspended at a yield.
          source.return(undefined).catch(() => {});
        }
      }
    },
  };
}
