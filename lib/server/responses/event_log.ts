import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import { listAll } from "../../store/list_all.ts";
import type { Change, Store } from "../../store/store.ts";
import { createSetJson, deleteAll } from "../../store/entries.ts";

/** How long events are collected before they are written together. */
const FLUSH_MS = 500;

export type EventLog = ReturnType<typeof createEventLog>;
export type EventLogWriter = ReturnType<EventLog["write"]>;

/** The events of background runs, stored so that other servers can read them. */
export function createEventLog(store: Store, clock: Clock, ttlMs: number) {
  const collectionOf = (owner: string, id: string) => `events/${owner}/${id}`;
  const setJson = createSetJson(ttlMs);

  return {
    /** Starts the log of a run. */
    write(owner: string, id: string) {
      let pending: ReasoningEvent[] = [];
      let writes = 0;
      let cancelTimer: (() => void) | undefined;
      let writing: Promise<unknown> = Promise.resolve();
      function takePending(): Change[] {
        cancelTimer?.();
        cancelTimer = undefined;
        if (pending.length === 0) return [];
        const key = {
          collection: collectionOf(owner, id),
          id: (writes++).toString(16).padStart(8, "0"),
        };
        const change = setJson(key, pending);
        pending = [];
        return [change];
      }
      function flush(): void {
        const changes = takePending();
        writing = writing.then(() => store.write(changes));
        // `end` reports the failure.
        writing.catch(() => {});
      }
      return {
        push(event: ReasoningEvent): void {
          pending.push(event);
          cancelTimer ??= clock.timer(FLUSH_MS, flush);
        },
        /** Returns changes with the remaining events. Throws if an earlier write failed. */
        async end(): Promise<Change[]> {
          const changes = takePending();
          await writing;
          return changes;
        },
      };
    },
    /** Reads the events after position `last`, or all; also returns the new position. */
    async read(
      owner: string,
      id: string,
      last?: string,
    ): Promise<{ events: ReasoningEvent[]; last?: string }> {
      const events: ReasoningEvent[] = [];
      const range = {
        collection: collectionOf(owner, id),
        ...(last === undefined ? {} : { after: last }),
      };
      for await (const entry of listAll(store, range)) {
        events.push(...JSON.parse(entry.value) as ReasoningEvent[]);
        last = entry.id;
      }
      return last === undefined ? { events } : { events, last };
    },
    delete: (owner: string, id: string): Promise<void> => deleteAll(store, collectionOf(owner, id)),
  };
}
