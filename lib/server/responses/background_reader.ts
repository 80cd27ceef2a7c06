/** Reads the events of background responses, from this server or from the store. */
import { abortable } from "@std/async";
import { isRunning } from "../../api/responses/object.ts";
import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { EventBuffer } from "../event_buffer.ts";
import { storedError, type VersionedResponse } from "./response_store.ts";
import { LostRunError, type RunKey } from "./runs/claims.ts";
import { cancelled, notFound } from "./runs/errors.ts";
import type { EventLog } from "./runs/event_log.ts";

/** How often a run on another server is checked, if the store notifies of nothing. */
const POLL_MS = 5_000;

export interface BackgroundReaderOptions {
  eventLog: EventLog;
  /** Finds a response; takes it over if its server has stopped. */
  find: (owner: string, id: string) => Promise<VersionedResponse | undefined>;
  clock: Clock;
}

export function createBackgroundReader({ eventLog, find, clock }: BackgroundReaderOptions) {
  /** @param skipped number of events at the beginning that the reader has. */
  async function* readLog(
    run: RunKey,
    signal: AbortSignal,
    skipped = 0,
  ): AsyncGenerator<ReasoningEvent> {
    let changed = Promise.withResolvers<boolean>();
    const stopWatching = eventLog.watch(run, () => changed.resolve(true));
    let position: string | undefined;
    // The log is read at each notification, the response only if it may have ended.
    let isChecked = true;
    try {
      for (;;) {
        signal.throwIfAborted();
        changed = Promise.withResolvers();
        // Read before the events: those of a response that has ended are complete.
        const found = isChecked ? await find(run.owner, run.id) : undefined;
        if (isChecked && found === undefined) throw notFound(run.id);
        const { events, hasEnded, last } = await eventLog.read(run, position);
        position = last;
        yield* events.slice(skipped);
        skipped = Math.max(0, skipped - events.length);
        if (found !== undefined) {
          const { response } = found.stored;
          if (response.status === "cancelled") throw cancelled();
          if (response.error !== null) throw storedError(response.error);
          if (!isRunning(response)) return;
        }
        if (hasEnded || found === undefined && events.length === 0) {
          isChecked = true;
          continue;
        }
        const cancelTimer = clock.timer(POLL_MS, () => changed.resolve(false));
        try {
          isChecked = !await abortable(changed.promise, signal);
        } finally {
          cancelTimer();
        }
      }
    } finally {
      stopWatching();
    }
  }

  /** @param buffer the events of a run on this server, which another one may take over. */
  return async function* (
    run: RunKey,
    buffer: EventBuffer | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ReasoningEvent> {
    if (buffer === undefined) return yield* readLog(run, signal);
    // All of them are stored.
    let read = 0;
    try {
      for await (const event of buffer.read(signal)) {
        read++;
        yield event;
      }
    } catch (error) {
      if (!(error instanceof LostRunError)) throw error;
      yield* readLog(run, signal, read);
    }
  };
}
