/** Executes the runs of background responses, and stores what they produce. */
import { ApiError, toApiError } from "../../api/errors.ts";
import type { ResponseWriter } from "../../api/responses/encode.ts";
import { isRunning } from "../../api/responses/object.ts";
import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Store } from "../../store/store.ts";
import type { EventBuffer, RunEnd } from "../event_buffer.ts";
import { retryOutages } from "../store_outage.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import type { Work } from "../work.ts";
import { ended, type ResponseStore, type StoredResponse } from "./response_store.ts";
import { type Claim, LostRunError, type RunKey } from "./runs/claims.ts";
import { cancelled } from "./runs/errors.ts";
import { type EventLog, type EventLogWriter, MAX_OUTAGE_MS } from "./runs/event_log.ts";

export interface BackgroundRun {
  owner: string;
  /** The response at its beginning. */
  stored: StoredResponse;
  events: AsyncGenerator<ReasoningEvent>;
  /** Ended when everything is stored. */
  work: Work;
  /** Writes the response as it will be stored at the end. */
  writer: ResponseWriter;
  /** Whether another server can start it again. */
  isMovable: boolean;
}

export interface ExecutionOptions {
  store: Store;
  responses: ResponseStore;
  eventLog: EventLog;
  clock: Clock;
  log: Log;
}

export function createExecution({ store, responses, eventLog, clock, log }: ExecutionOptions) {
  function logFailure(message: string, error: unknown): void {
    log.error(message, { cause: stackWithoutMessage(error) });
  }

  /**
   * Stores the end of a run, unless it was cancelled or deleted meanwhile. Returns the end.
   *
   * @throws {LostRunError} if another server executes the run.
   */
  async function save(
    run: BackgroundRun,
    claim: Claim,
    end: RunEnd,
    finish: readonly ReasoningEvent[],
    { logWriter, buffer }: { logWriter: EventLogWriter; buffer: EventBuffer },
  ): Promise<RunEnd> {
    const { owner, stored, writer } = run;
    const key: RunKey = { owner, id: stored.response.id };
    let events: readonly ReasoningEvent[] = [];
    let change = eventLog.notify(key);
    try {
      ({ events, change } = await logWriter.end(finish));
    } catch (error) {
      if (!(error instanceof LostRunError)) {
        logFailure("The events of a background response could not be stored", error);
      }
      end = { error };
    }
    let last: StoredResponse | undefined;
    return await retryOutages(clock, MAX_OUTAGE_MS, async () => {
      for (;;) {
        const found = await responses.find(owner, key.id);
        if (found === undefined) {
          await eventLog.delete(key);
          return { error: cancelled() };
        }
        if (!isRunning(found.stored.response)) {
          // A write that seemed to fail may have succeeded.
          if (last !== undefined && isEqual(found.stored, last)) break;
          if (found.stored.response.status !== "cancelled") throw new LostRunError();
          await store.write([change]);
          end = { error: cancelled() };
          break;
        }
        if ("error" in end) {
          if (end.error instanceof LostRunError) throw end.error;
          await writer.fail(toApiError(end.error), true);
        }
        last = ended(stored, writer.whole(), writer.thinking());
        const changes = [...await claim.end(), change];
        if (await responses.save(owner, last, changes, found.version)) break;
        await claim.write([]);
      }
      buffer.add(...events);
      return end;
    });
  }

  /**
   * Executes a run and stores its end. Never rejects; the error of a run that another server
   * executes is a {@link LostRunError}.
   *
   * @param position of the last stored event, if there is one.
   */
  return async (
    run: BackgroundRun,
    claim: Claim,
    buffer: EventBuffer,
    position?: string,
  ): Promise<RunEnd> => {
    const { owner, work, stored: { response: { id } } } = run;
    const stopRenewing = claim.keepRenewing(() => work.abort(new LostRunError()));
    const logWriter = eventLog.write({ owner, id }, claim, {
      // Clients must not learn what another server that takes over would not know.
      onStored: (events) => buffer.add(...events),
      onFailure: (error) => work.abort(error),
      isFollowed: buffer.hasReaders,
    }, position);
    const finish: ReasoningEvent[] = [];
    let end: RunEnd = {};
    try {
      for await (const event of run.events) {
        await run.writer.push(event);
        // Nobody must learn that the response is complete before it is stored.
        if (event.type === "finish") finish.push(event);
        else logWriter.push(event);
      }
      work.signal.throwIfAborted();
    } catch (error) {
      end = { error: work.signal.aborted ? work.signal.reason : error };
    }
    try {
      if (run.isMovable && isShutdown(end)) {
        await logWriter.handOver();
        await claim.handOver();
        return { error: new LostRunError() };
      }
      return await save(run, claim, end, finish, { logWriter, buffer });
    } catch (error) {
      if (!(error instanceof LostRunError)) {
        logFailure("A background response could not be stored", error);
      }
      return { error };
    } finally {
      stopRenewing();
    }
  };
}

function isShutdown({ error }: RunEnd): boolean {
  return error instanceof ApiError && error.code === "server_shutdown";
}

function isEqual(a: StoredResponse, b: StoredResponse): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
