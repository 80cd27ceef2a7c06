import type { Clock } from "../../../clock.ts";
import type { ReasoningEvent } from "../../../reasoning/events.ts";
import { listAll } from "../../../store/list_all.ts";
import type { Change, Store } from "../../../store/store.ts";
import { retryOutages } from "../../store_outage.ts";
import { createSetJson, deleteAll } from "../../../store/entries.ts";
import type { Claim, RunKey } from "./claims.ts";

/** Milliseconds between two writes of events; the second applies while readers wait on this server. */
const FLUSH_MS = 500;
const FOLLOWED_FLUSH_MS = 200;

/** For how long a run continues while the store is unavailable, and how much it collects meanwhile. */
export const MAX_OUTAGE_MS = 300_000;
const MAX_PENDING_CHARACTERS = 8_000_000;

/** Marks the end of a log; it follows the last event. */
interface EndOfLog {
  type: "end";
}

export interface EventLogWriterOptions {
  /** Called with events once they are stored. */
  onStored: (events: readonly ReasoningEvent[]) => void;
  /**
   * Called if events cannot be stored, at the latest when the store has been unavailable for
   * {@linkcode MAX_OUTAGE_MS} or too much is pending.
   */
  onFailure: (error: unknown) => void;
  /** Returns whether readers on this server wait for the events. */
  isFollowed: () => boolean;
}

export type EventLog = ReturnType<typeof createEventLog>;
export type EventLogWriter = ReturnType<EventLog["write"]>;

/** The events of background runs, stored so that other servers can read them. */
export function createEventLog(store: Store, clock: Clock, ttlMs: number) {
  const collectionOf = ({ owner, id }: RunKey) => `events/${owner}/${id}`;
  const setJson = createSetJson(ttlMs);

  return {
    /** Starts the log of a run, or continues it after position `last`. */
    write(
      run: RunKey,
      claim: Claim,
      { onStored, onFailure, isFollowed }: EventLogWriterOptions,
      last?: string,
    ) {
      let pending: ReasoningEvent[] = [];
      let pendingCharacters = 0;
      let outage: unknown;
      let next = after(last);
      let lastFlush = -Infinity;
      let isWriting = false;
      let hasEnded = false;
      let cancelTimer: (() => void) | undefined;
      let writing: Promise<void> = Promise.resolve();

      function change(events: readonly (ReasoningEvent | EndOfLog)[]): Change {
        const key = { collection: collectionOf(run), id: idOf(next++) };
        return { ...setJson(key, events), notify: true };
      }

      function takePending(): ReasoningEvent[] {
        const taken = pending;
        pending = [];
        pendingCharacters = 0;
        return taken;
      }

      /** Writes the pending events. A retry repeats the same write, because the first may have succeeded. */
      async function flush(): Promise<void> {
        const events = takePending();
        const entry = change(events);
        await retryOutages(clock, MAX_OUTAGE_MS, () => claim.write([entry]), {
          onFailure(error) {
            outage = error;
          },
        });
        outage = undefined;
        onStored(events);
        isWriting = false;
        if (pending.length > 0) schedule();
      }

      function begin(): void {
        cancelTimer = undefined;
        isWriting = true;
        lastFlush = clock.now();
        writing = flush();
        // `end` reports it too.
        writing.catch(onFailure);
      }

      function schedule(): void {
        if (isWriting || hasEnded || cancelTimer !== undefined) return;
        const interval = isFollowed() ? FOLLOWED_FLUSH_MS : FLUSH_MS;
        const wait = lastFlush + interval - clock.now();
        if (wait > 0) cancelTimer = clock.timer(wait, begin);
        else begin();
      }

      /** Waits for the current write. Afterwards nothing is written. */
      async function stop(): Promise<void> {
        hasEnded = true;
        cancelTimer?.();
        await writing;
      }

      return {
        push(event: ReasoningEvent): void {
          pending.push(event);
          pendingCharacters += lengthOf(event);
          schedule();
          if (outage !== undefined && pendingCharacters > MAX_PENDING_CHARACTERS) onFailure(outage);
        },
        /**
         * Returns the remaining events, and the change that writes them and the end.
         *
         * @throws if an earlier write failed.
         */
        async end(finish: readonly ReasoningEvent[]) {
          await stop();
          const events = [...takePending(), ...finish];
          return { events, change: change([...events, { type: "end" }]) };
        },
        /** Writes the remaining events of a run that continues elsewhere. */
        async handOver(): Promise<void> {
          await stop();
          if (pending.length > 0) await claim.write([change(pending)]);
          onStored(takePending());
        },
      };
    },
    /** Builds the change that notes a restart after position `last`; also returns its position. */
    restart(run: RunKey, last: string | undefined): { change: Change; position: string } {
      const position = idOf(after(last));
      const key = { collection: collectionOf(run), id: position };
      const event: ReasoningEvent = { type: "restart" };
      return { change: { ...setJson(key, [event]), notify: true }, position };
    },
    /**
     * Reads the events after position `last`, or all; also returns the new position, and whether
     * these are the last events.
     */
    async read(run: RunKey, last?: string) {
      const events: ReasoningEvent[] = [];
      let hasEnded = false;
      for await (const entry of listAll(store, { collection: collectionOf(run), after: last })) {
        for (const event of JSON.parse(entry.value) as (ReasoningEvent | EndOfLog)[]) {
          if (event.type === "end") hasEnded = true;
          else events.push(event);
        }
        last = entry.id;
      }
      return { events, hasEnded, last };
    },
    /** Calls `onChange` when there may be more to read, or the run was ended. */
    watch: (run: RunKey, onChange: () => void): () => void =>
      store.watch(collectionOf(run), onChange),
    /** Builds a change that notifies those who watch the log of a run that is ended. */
    notify: (run: RunKey): Change => ({
      key: { collection: collectionOf(run), id: "end" },
      delete: true,
      notify: true,
    }),
    delete: (run: RunKey): Promise<void> => deleteAll(store, collectionOf(run)),
  };
}

const idOf = (index: number) => index.toString(16).padStart(8, "0");
const after = (last?: string) => last === undefined ? 0 : Number.parseInt(last, 16) + 1;

function lengthOf(event: ReasoningEvent): number {
  return "text" in event && event.type !== "candidate"
    ? event.text.length + 50
    : JSON.stringify(event).length;
}
