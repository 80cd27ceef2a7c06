/**
 * The events of runs without clients, in the store, so that another server can read them.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Change, Store } from "../../store/store.ts";
import type { Clock } from "../../clock.ts";
import { deleteAll } from "./delete_all.ts";

/** How long events are gathered before they are written, in milliseconds. */
const FLUSH_MS = 500;

/** Pieces of a log that are read at once. */
const PAGE = 100;

/** Writes the events of one run. */
export interface EventLogWriter {
  /** Takes the next event; it is written a moment later, with those that follow it. */
  push(event: ReasoningEvent): void;
  /** The changes that write what is left. Throws where anything before could not be written. */
  end(): Promise<Change[]>;
}

/** The events of all runs. */
export interface EventLog {
  /** Begins the log of a run. */
  write(id: string): EventLogWriter;
  /** The events that follow a piece, or from the first; `last` names the last piece read. */
  read(id: string, after?: string): Promise<{ events: ReasoningEvent[]; last?: string }>;
  /** Forgets a run's events. */
  forget(id: string): Promise<void>;
}

/** Creates the log. */
export function createEventLog(store: Store, clock: Clock, ttlMs: number): EventLog {
  const collection = (id: string) => `events/${id}`;

  async function* pieces(id: string, after?: string) {
    for (;;) {
      const entries = await store.list({
        collection: collection(id),
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      yield* entries;
      after = entries.at(-1)?.id;
      if (entries.length < PAGE) return;
    }
  }

  return {
    write(id) {
      let pending: ReasoningEvent[] = [];
      let piece = 0;
      let cancel: (() => void) | undefined;
      let writing: Promise<unknown> = Promise.resolve();
      const taken = (): Change[] => {
        cancel?.();
        cancel = undefined;
        if (pending.length === 0) return [];
        const value = JSON.stringify(pending);
        pending = [];
        return [{
          key: { collection: collection(id), id: (piece++).toString(16).padStart(8, "0") },
          value,
          expiresAt: clock.date() + ttlMs,
        }];
      };
      const flush = () => {
        const changes = taken();
        writing = writing.then(() => store.write(changes));
        // Whoever ends the log hears of it; until then nobody waits.
        writing.catch(() => {});
      };
      return {
        push(event) {
          pending.push(event);
          cancel ??= clock.timer(FLUSH_MS, flush);
        },
        async end() {
          const changes = taken();
          await writing;
          return changes;
        },
      };
    },
    async read(id, after) {
      const events: ReasoningEvent[] = [];
      let last: string | undefined;
      for await (const entry of pieces(id, after)) {
        events.push(...JSON.parse(entry.value) as ReasoningEvent[]);
        last = entry.id;
      }
      return last === undefined ? { events } : { events, last };
    },
    async forget(id) {
      const keys = await Array.fromAsync(pieces(id), (entry) => entry.id);
      await deleteAll(store, collection(id), keys);
    },
  };
}
