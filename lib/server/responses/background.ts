/**
 * Background responses: runs that continue without their client. Their events go to the store, so
 * that any server can stream them, during the run and after it.
 *
 * @module
 */
import { ApiError, toApiError } from "../../api/errors.ts";
import type { ResponseWriter } from "../../api/responses/encode.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Store } from "../../store/store.ts";
import { createSlots, type Release } from "../../upstream/slots.ts";
import { createEventBuffer, type EventBuffer, type RunEnd } from "../event_buffer.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { retryOutages } from "../store_outage.ts";
import type { Work } from "../work.ts";
import { type Claim, createClaims, LostRunError } from "./runs/claims.ts";
import { createEventLog, type EventLogWriter, MAX_OUTAGE_MS } from "./runs/event_log.ts";
import {
  ended,
  type ResponseStore,
  storedError,
  type StoredResponse,
  type VersionedResponse,
} from "./response_store.ts";

/** How often a run on another server is checked, if the store notifies of nothing. */
const POLL_MS = 5_000;

export interface BackgroundRun {
  owner: string;
  /** The response at its beginning. */
  stored: StoredResponse;
  events: AsyncGenerator<ReasoningEvent>;
  /** Ended when everything is stored. */
  work: Work;
  /** Writes the response as it will be stored at the end. */
  writer: ResponseWriter;
}

export type BackgroundRuns = ReturnType<typeof createBackgroundRuns>;

export interface BackgroundOptions {
  store: Store;
  responses: ResponseStore;
  /** How long events are stored. */
  ttlMs: number;
  /** Maximum number of runs at the same time. */
  maxBackground: number;
  /** Returns whether the server has several owners. */
  isShared: () => boolean;
  /** Called with the id of a response whose run was ended here and may be on another worker. */
  endElsewhere: (id: string) => void;
  clock: Clock;
  log: Log;
}

export function createBackgroundRuns(options: BackgroundOptions) {
  const { store, responses, clock, log, ttlMs, maxBackground, isShared, endElsewhere } = options;
  const slots = createSlots(() => maxBackground, isShared);
  /** The runs on this server. */
  const liveRuns = new Map<string, { owner: string; work: Work; buffer: EventBuffer }>();
  const claims = createClaims(store, clock, ttlMs, log);
  const eventLog = createEventLog(store, clock, ttlMs);

  async function execute(
    run: BackgroundRun,
    claim: Claim,
    buffer: EventBuffer,
    release: Release,
  ): Promise<void> {
    const { owner, stored: { response: { id } } } = run;
    const stopRenewing = claim.keepRenewing(() => run.work.abort(new LostRunError()));
    const logWriter = eventLog.write(owner, id, claim, (error) => run.work.abort(error));
    let finish: ReasoningEvent[] = [];
    let end: RunEnd = {};
    try {
      for await (const event of run.events) {
        await run.writer.push(event);
        logWriter.push(event);
        // Clients must not learn that the response is complete before it is stored.
        if (event.type === "finish") finish = [event];
        else buffer.add(event);
      }
      run.work.signal.throwIfAborted();
    } catch (error) {
      end = { error: run.work.signal.aborted ? run.work.signal.reason : error };
    }
    try {
      end = await save(run, claim, end, logWriter);
    } catch (error) {
      if (!(error instanceof LostRunError)) {
        logFailure("A background response could not be stored", error);
      }
      end = { error };
    } finally {
      stopRenewing();
      if (!("error" in end)) buffer.add(...finish);
      liveRuns.delete(id);
      release();
      buffer.end(end);
      run.work.end();
    }
  }

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
    logWriter: EventLogWriter,
  ): Promise<RunEnd> {
    const { owner, stored, writer } = run;
    const { id } = stored.response;
    let lastEvents = eventLog.notify(owner, id);
    try {
      lastEvents = await logWriter.end();
    } catch (error) {
      if (!(error instanceof LostRunError)) {
        logFailure("The events of a background response could not be stored", error);
      }
      end = { error };
    }
    let last: StoredResponse | undefined;
    return await retryOutages(clock, MAX_OUTAGE_MS, async () => {
      for (;;) {
        const found = await responses.find(owner, id);
        if (found === undefined) {
          await eventLog.delete(owner, id);
          return { error: cancelled() };
        }
        if (!isRunning(found.stored.response)) {
          // A write that seemed to fail may have succeeded.
          if (last !== undefined && isEqual(found.stored, last)) return end;
          if (found.stored.response.status === "cancelled") await store.write([lastEvents]);
          return { error: cancelled() };
        }
        if ("error" in end) {
          if (end.error instanceof LostRunError) throw end.error;
          await writer.fail(toApiError(end.error), true);
        }
        last = ended(stored, writer.whole(), writer.thinking());
        const changes = [...await claim.end(), lastEvents];
        if (await responses.save(owner, last, changes, found.version)) return end;
        await claim.write([]);
      }
    });
  }

  /** Changes a running response and ends its run. Returns false if it has changed meanwhile. */
  function endRun(
    owner: string,
    { stored, version }: VersionedResponse,
    response: ResponseObject,
  ): Promise<boolean> {
    const { id } = response;
    const change = responses.put(owner, { ...stored, response }, version);
    return store.write([change, ...claims.release(owner, id), eventLog.notify(owner, id)]);
  }

  /** Ends the run of a response if it is on this server. Returns whether it is. */
  function end(id: string): boolean {
    const live = liveRuns.get(id);
    live?.work.abort(cancelled());
    return live !== undefined;
  }

  function endEverywhere(id: string): void {
    if (!end(id)) endElsewhere(id);
  }

  /** Finds a response. One whose server has crashed becomes failed. */
  async function find(owner: string, id: string): Promise<VersionedResponse | undefined> {
    const found = await responses.find(owner, id);
    if (found === undefined || !isRunning(found.stored.response)) return found;
    if (liveRuns.has(id) || await claims.isHeld(owner, id)) return found;
    await endRun(owner, found, {
      ...found.stored.response,
      status: "failed",
      error: {
        code: "server_shutdown",
        message: "The server that created this response has stopped. Send the request again.",
      },
    });
    return await responses.find(owner, id);
  }

  /** @param skipped number of events at the beginning that the reader has. */
  async function* readLog(
    owner: string,
    id: string,
    signal: AbortSignal,
    skipped = 0,
  ): AsyncGenerator<ReasoningEvent> {
    let changed = Promise.withResolvers<boolean>();
    const stopWatching = eventLog.watch(owner, id, () => changed.resolve(true));
    const onAbort = () => changed.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    let position: string | undefined;
    // The log is read at each notification, the response only if it may have ended.
    let isChecked = true;
    try {
      for (;;) {
        signal.throwIfAborted();
        changed = Promise.withResolvers();
        changed.promise.catch(() => {});
        // Read before the events: those of a response that has ended are complete.
        const found = isChecked ? await find(owner, id) : undefined;
        if (isChecked && found === undefined) throw notFound(id);
        const { events, hasEnded, last } = await eventLog.read(owner, id, position);
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
          isChecked = !await changed.promise;
        } finally {
          cancelTimer();
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      stopWatching();
    }
  }

  /** Follows a run on this server, and elsewhere if this server loses it. */
  async function* follow(
    owner: string,
    id: string,
    buffer: EventBuffer,
    signal: AbortSignal,
  ): AsyncGenerator<ReasoningEvent> {
    let read = 0;
    try {
      for await (const event of buffer.read(signal)) {
        read++;
        yield event;
      }
    } catch (error) {
      if (!(error instanceof LostRunError)) throw error;
      yield* readLog(owner, id, signal, read);
    }
  }

  return {
    /**
     * Stores a response at its beginning and starts its run.
     *
     * @throws {ApiError} 429 if too many are running.
     */
    async start(run: BackgroundRun): Promise<void> {
      const { owner, stored, work } = run;
      const release = slots.tryAcquire(owner);
      if (release === undefined) {
        throw new ApiError(429, "Too many background responses are running. Try again later.", {
          code: "rate_limit_exceeded",
          headers: { "retry-after": "30" },
        });
      }
      const { id } = stored.response;
      const buffer = createEventBuffer();
      const { claim, changes } = claims.begin(owner, id);
      liveRuns.set(id, { owner, work, buffer });
      try {
        await store.write([responses.put(owner, stored, null), ...changes]);
      } catch (error) {
        liveRuns.delete(id);
        release();
        throw error;
      }
      void execute(run, claim, buffer, release);
    },
    find,
    end,
    /** Reads the events of a response from the first to the end. Throws what the run throws. */
    read(owner: string, id: string, signal: AbortSignal): AsyncGenerator<ReasoningEvent> {
      const live = liveRuns.get(id);
      return live?.owner === owner
        ? follow(owner, id, live.buffer, signal)
        : readLog(owner, id, signal);
    },
    /** @throws {ApiError} 400 if the response is not running in the background. */
    async cancel(owner: string, found: VersionedResponse): Promise<ResponseObject> {
      const { id } = found.stored.response;
      for (let current: VersionedResponse | undefined = found; current !== undefined;) {
        const { response } = current.stored;
        if (response.status === "cancelled") return response;
        if (!response.background) {
          throw new ApiError(400, "Only background responses can be cancelled.");
        }
        if (!isRunning(response)) {
          throw new ApiError(400, `The response is already ${response.status}.`);
        }
        const last: ResponseObject = { ...response, status: "cancelled" };
        if (await endRun(owner, current, last)) {
          endEverywhere(id);
          return last;
        }
        current = await responses.find(owner, id);
      }
      throw notFound(id);
    },
    /** Deletes a response and its events, and ends its run. */
    async delete(owner: string, id: string): Promise<void> {
      await responses.delete(owner, id);
      endEverywhere(id);
      await store.write([...claims.release(owner, id), eventLog.notify(owner, id)]);
      await eventLog.delete(owner, id);
    },
  };
}

function isEqual(a: StoredResponse, b: StoredResponse): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function cancelled(): ApiError {
  return new ApiError(400, "The response was cancelled.", { code: "response_cancelled" });
}

function notFound(id: string): ApiError {
  return new ApiError(404, `Response with id '${id}' not found.`);
}
