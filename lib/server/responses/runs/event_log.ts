import type { Clock } from "../../../clock.ts";
import type { ReasoningEvent } from "../../../reasoning/events.ts";
import { listAll } from "../../../store/list_all.ts";
import type { Change, Store } from "../../../store/store.ts";
import { retryOutages } from "../../store_outage.ts";
import { createSetJson, deleteAll } from "../../../store/entries.ts";
import type { Claim } from "./claims.ts";

/** How long events are collected before they are written together. */
const FLUSH_MS = 500;

/** How long a run continues while the store is unavailable, and how much it then collects. */
export const MAX_OUTAGE_MS = 300_000;
const MAX_PENDING_CHARACTERS = 8_000_000;

/** Follows the last event. */
interface EndOfLog {
  type: "end";
}

export type EventLog = ReturnType<typeof createEventLog>;
export type EventLogWriter = ReturnType<EventLog["write"]>;

/** The events of background runs, stored so that other servers can read them. */
export function createEventLog(store: Store, clock: Clock, ttlMs: number) {
  const collectionOf = (owner: string, id: string) => `events/${owner}/${id}`;
  const setJson = createSetJson(ttlMs);

  return {
    /**
     * Starts the log of a run.
     *
     * @param onFailure called if events cannot be stored, at the latest when the store has been
     *   unavailable for {@linkcode MAX_OUTAGE_MS} or too much is pending.
     */
    write(owner: string, id: string, claim: Claim, onFailure: (error: unknown) => void) {
      let pending: ReasoningEvent[] = [];
      let pendingCharacters = 0;
      let outage: unknown;
      let writes = 0;
      let cancelTimer: (() => void) | undefined;
      let writing: Promise<void> = Promise.resolve();

      function change(events: readonly (ReasoningEvent | EndOfLog)[]): Change {
        const collection = collectionOf(owner, id);
        const key = { collection, id: (writes++).toString(16).padStart(8, "0") };
        return { ...setJson(key, events), notify: true };
      }

      /** Writes what is pending. A repeated write is the same, since it may have had an effect. */
      async function flush(): Promise<void> {
        const entry = change(pending);
        pending = [];
        pendingCharacters = 0;
        await retryOutages(clock, MAX_OUTAGE_MS, () => claim.write([entry]), (error) => {
          outage = error;
        });
        outage = undefined;
        cancelTimer = undefined;
        if (pending.length > 0) schedule();
      }

      function schedule(): void {
        cancelTimer = clock.timer(FLUSH_MS, () => {
          writing = flush();
          // `end` reports it too.
          writing.catch(onFailure);
        });
      }

      return {
        push(event: ReasoningEvent): void {
          pending.push(event);
          pendingCharacters += lengthOf(event);
          if (cancelTimer === undefined) schedule();
          if (outage !== undefined && pendingCharacters > MAX_PENDING_CHARACTERS) onFailure(outage);
        },
        /**
         * Returns the change that writes the remaining events and the end.
         *
         * @throws if an earlier write failed.
         */
        async end(): Promise<Change> {
          cancelTimer?.();
          await writing;
          cancelTimer?.();
          return change([...pending, { type: "end" }]);
        },
      };
    },
    /**
     * Reads the events after position `last`, or all; also returns the new position, and whether
     * these are the last events.
     */
    async read(
      owner: string,
      id: string,
      last?: string,
    ): Promise<{ events: ReasoningEvent[]; hasEnded: boolean; last?: string }> {
      const events: ReasoningEvent[] = [];
      let hasEnded = false;
      const range = {
        collection: collectionOf(owner, id),
        ...(last === undefined ? {} : { after: last }),
      };
      for await (const entry of listAll(store, range)) {
        for (const event of JSON.parse(entry.value) as (ReasoningEvent | EndOfLog)[]) {
          if (event.type === "end") hasEnded = true;
          else events.push(event);
        }
        last = entry.id;
      }
      return last === undefined ? { events, hasEnded } : { events, hasEnded, last };
    },
    /** Calls `onChange` when there may be more to read, or the run was ended. */
    watch: (owner: string, id: string, onChange: () => void): () => void =>
      store.watch(collectionOf(owner, id), onChange),
    /** Builds a change that notifies those who watch the log of a run that is ended. */
    notify: (owner: string, id: string): Change => ({
      key: { collection: collectionOf(owner, id), id: "end" },
      delete: true,
      notify: true,
    }),
    delete: (owner: string, id: string): Promise<void> => deleteAll(store, collectionOf(owner, id)),
  };
}

/** Approximate length of an event in JSON. */
function lengthOf(event: ReasoningEvent): number {
  return "text" in event && event.type !== "candidate"
    ? event.text.length + 50
    : JSON.stringify(event).length;
}
