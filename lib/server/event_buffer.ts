import { abortable } from "@std/async";
import type { ReasoningEvent } from "../reasoning/events.ts";

/** How a run ended; `error` is present if it failed. */
export type RunEnd = { error?: unknown };

export type EventBuffer = ReturnType<typeof createEventBuffer>;

/**
 * The events of a run from the first one on, which several readers can follow.
 *
 * @param pull called by a reader that has read all events; adds the next one or ends the buffer.
 */
export function createEventBuffer(pull?: () => Promise<unknown>) {
  const events: ReasoningEvent[] = [];
  let end: RunEnd | undefined;
  let readers = 0;
  let changed = Promise.withResolvers<void>();

  function notify(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  return {
    hasReaders: () => readers > 0,
    add(...added: readonly ReasoningEvent[]): void {
      events.push(...added);
      notify();
    },
    end(runEnd: RunEnd): void {
      end = runEnd;
      notify();
    },
    /**
     * Reads all events, including those to come.
     *
     * @throws what the run throws, or the signal's reason.
     */
    async *read(signal: AbortSignal): AsyncGenerator<ReasoningEvent> {
      readers++;
      try {
        for (let next = 0;;) {
          signal.throwIfAborted();
          if (next < events.length) yield events[next++]!;
          else if (end === undefined) await abortable(pull?.() ?? changed.promise, signal);
          else if ("error" in end) throw end.error;
          else return;
        }
      } finally {
        readers--;
      }
    },
  };
}
