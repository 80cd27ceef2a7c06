/**
 * Background responses: runs that continue without their client, and on another server if theirs
 * stops. Their events go to the store, so that any server can stream them, during the run and after
 * it.
 */
import { ApiError, toApiError } from "../../api/errors.ts";
import { responseError } from "../../api/responses/dialect.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Change, Store } from "../../store/store.ts";
import { createSlots } from "../../slots.ts";
import { createEventBuffer, type EventBuffer } from "../event_buffer.ts";
import { isOutage, retryOutages } from "../store_outage.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import type { Work } from "../work.ts";
import { type BackgroundRun, createExecution } from "./background_execution.ts";
import { createBackgroundReader } from "./background_reader.ts";
import type { ResponseStore, StoredResponse, VersionedResponse } from "./response_store.ts";
import {
  type Claim,
  createClaims,
  LostRunError,
  type RunKey,
  type RunRecord,
} from "./runs/claims.ts";
import { cancelled, notFound, serverStopped, timedOut } from "./runs/errors.ts";
import { createEventLog, MAX_OUTAGE_MS } from "./runs/event_log.ts";
import { createRunIndex } from "./runs/run_index.ts";

/** How often a run is taken over because its holder has died. */
const MAX_TAKEOVERS = 2;

/** How many runs are taken over at once, so that a slow one does not delay all others. */
const MAX_PARALLEL_TAKEOVERS = 8;

/** What another server needs to restart a run. */
export interface RunStart {
  /** Id of the client. */
  client: string;
  timeoutMs: number;
  /** The sealed request; undefined for one that must not run twice. */
  request: string | undefined;
}

/**
 * Restarts a run within the remaining `timeoutMs`.
 *
 * @throws {ApiError} 401 if the client's key is not valid any more, 429 if it is over a limit, or
 *   any error of a new request.
 */
export type Restart = (
  request: { client: string; owner: string; sealed: string; timeoutMs: number },
  stored: StoredResponse,
  work: Work,
) => Promise<Pick<BackgroundRun, "events" | "writer">>;

export type BackgroundRuns = ReturnType<typeof createBackgroundRuns>;

export interface BackgroundOptions {
  store: Store;
  responses: ResponseStore;
  /** Milliseconds for which responses, conversations and events are stored. */
  ttlMs: number;
  /** Maximum number of runs at the same time. */
  maxBackground: number;
  /** Returns whether the server has several owners. */
  isShared: () => boolean;
  /** Whether the store survives this process, so that runs can continue elsewhere. */
  isDurable: boolean;
  /** Called with the id of a response whose run was ended here and may be on another worker. */
  endElsewhere: (id: string) => void;
  /** Begins work that outlives its request. */
  beginWork: () => Work;
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
  const index = createRunIndex(store, clock, ttlMs);
  const execute = createExecution({ ...options, eventLog });
  const read = createBackgroundReader({ clock, eventLog, find });
  let restart: Restart | undefined;
  const stopping = new AbortController();

  function begin(
    run: BackgroundRun,
    claim: Claim,
    history: readonly ReasoningEvent[] = [],
    position?: string,
  ): void {
    const { owner, work, stored: { response: { id } } } = run;
    const buffer = createEventBuffer();
    buffer.add(...history);
    liveRuns.set(id, { owner, work, buffer });
    void execute(run, claim, buffer, position).then(async (end) => {
      liveRuns.delete(id);
      buffer.end(end);
      work.end();
      const mayContinue = end.error instanceof LostRunError || isOutage(end.error);
      if (!mayContinue) await index.remove(id);
    });
  }

  /**
   * Changes a running response and ends its run. Returns false if it has changed meanwhile.
   *
   * @param changes end its run.
   */
  function endRun(
    owner: string,
    { stored, version }: VersionedResponse,
    response: ResponseObject,
    changes: readonly Change[],
  ): Promise<boolean> {
    const change = responses.put(owner, { ...stored, response }, version);
    return store.write([change, ...changes, eventLog.notify({ owner, id: response.id })]);
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

  /** @param changes as in {@link endRun}. */
  async function fail(
    owner: string,
    found: VersionedResponse,
    error: unknown,
    changes: readonly Change[],
  ): Promise<void> {
    const response: ResponseObject = {
      ...found.stored.response,
      status: "failed",
      error: responseError(toApiError(error)),
    };
    await endRun(owner, found, response, changes);
    await index.remove(response.id);
  }

  /** Deletes a response whose run did not start, once the store is available again. */
  function forget(run: RunKey): void {
    void retryOutages(clock, MAX_OUTAGE_MS, async () => {
      await store.write(claims.release(run));
      await responses.delete(run.owner, run.id);
    }, { signal: stopping.signal }).catch((error) => {
      log.error("A background response whose run did not start could not be deleted", {
        cause: stackWithoutMessage(error),
      });
    });
  }

  /** Restarts an abandoned run, unless another server does. */
  async function takeOver(run: RunKey, record: RunRecord, version: string): Promise<void> {
    const release = stopping.signal.aborted || restart === undefined
      ? undefined
      : slots.tryAcquire(run.owner);
    if (release === undefined) return;
    const work = options.beginWork();
    work.onEnd(release);
    try {
      const claim = await claims.takeOver(run, record, version);
      if (claim !== undefined && await resume(run, record, claim, work)) return;
    } catch (error) {
      log.warn("A background response could not be taken over", {
        cause: stackWithoutMessage(error),
      });
    }
    work.end();
  }

  /** Returns whether the run has restarted. */
  async function resume(
    run: RunKey,
    record: RunRecord,
    claim: Claim,
    work: Work,
  ): Promise<boolean> {
    const { owner, id } = run;
    const found = await responses.find(owner, id);
    if (found === undefined || !isRunning(found.stored.response)) {
      await store.write(await claim.end());
      return false;
    }
    try {
      const sealed = await claims.request(run);
      const timeoutMs = record.deadline - await store.now();
      if (sealed === undefined || record.takeovers >= MAX_TAKEOVERS) throw serverStopped();
      if (timeoutMs <= 0) throw timedOut();
      const { client } = record;
      const { stored } = found;
      const started = await restart!({ client, owner, sealed, timeoutMs }, stored, work);
      const { events, last } = await eventLog.read(run);
      const { change, position } = eventLog.restart(run, last);
      await claim.write([change]);
      const history: ReasoningEvent[] = [...events, { type: "restart" }];
      for (const event of history) await started.writer.push(event);
      const restarted = { owner, stored, work, ...started, isMovable: options.isDurable };
      begin(restarted, claim, history, position);
      log.info("A background response continues after its server has stopped");
      return true;
    } catch (error) {
      if (error instanceof LostRunError) return false;
      // Limits that the dead server had reserved are released soon.
      if (isTemporary(error)) await claim.handOver();
      else {
        const { last } = await eventLog.read(run);
        // A failed response has no output, so the restart withdraws what its stream has sent.
        const { change } = eventLog.restart(run, last);
        await fail(owner, found, error, [...await claim.end(), change]);
      }
      return false;
    }
  }

  /** Finds a response. If its server has stopped, it is taken over. */
  async function find(owner: string, id: string): Promise<VersionedResponse | undefined> {
    const found = await responses.find(owner, id);
    if (found === undefined || !isRunning(found.stored.response) || liveRuns.has(id)) return found;
    const [state] = await claims.inspect([{ owner, id }]);
    if (state!.type === "held") return found;
    if (state!.type === "abandoned") await takeOver({ owner, id }, state!.record, state!.version);
    else await fail(owner, found, serverStopped(), []);
    return await responses.find(owner, id);
  }

  return {
    /** Sets how runs are restarted. Called again when the configuration is reloaded. */
    use: (current: Restart) => void (restart = current),
    /**
     * Counts a run as running until its work ends.
     *
     * @throws {ApiError} 429 if too many are running.
     */
    reserve(owner: string, work: Work): void {
      const release = slots.tryAcquire(owner);
      if (release === undefined) {
        throw new ApiError(429, "Too many background responses are running. Try again later.", {
          code: "rate_limit_exceeded",
          headers: { "retry-after": "30" },
        });
      }
      work.onEnd(release);
    },
    /** Stores a response at its beginning and starts its run. If it throws, the caller ends the work. */
    async start(
      started: Omit<BackgroundRun, "isMovable">,
      { client, timeoutMs, request }: RunStart,
    ): Promise<void> {
      const isMovable = options.isDurable && request !== undefined;
      const run = { ...started, isMovable };
      const { owner, stored } = run;
      const key = { owner, id: stored.response.id };
      try {
        const deadline = await store.now() + timeoutMs;
        const record = { client, deadline, takeovers: 0 };
        const { claim, changes } = claims.begin(key, record, request);
        // Before the run, so that the index lacks none.
        await index.add(key);
        await store.write([responses.put(owner, stored, null), ...changes]);
        begin(run, claim);
      } catch (error) {
        // It may have been stored, but its client got an error: no server may execute it.
        if (isOutage(error)) forget(key);
        throw error;
      }
    },
    find,
    end,
    isDurable: options.isDurable,
    /** From now on, takes over no runs. */
    stop: () => stopping.abort(),
    /** Takes over some of the runs whose servers have stopped. */
    async takeOverAbandoned(): Promise<void> {
      const runs = (await index.next()).filter(({ id }) => !liveRuns.has(id));
      // The workers share one iterator, so that each run goes to one of them.
      const states = (await claims.inspect(runs)).entries();
      await Promise.all(Array.from({ length: MAX_PARALLEL_TAKEOVERS }, async () => {
        for (const [at, state] of states) {
          const run = runs[at]!;
          if (state.type === "missing") await index.removeMissing(run.id);
          else if (state.type === "abandoned") await takeOver(run, state.record, state.version);
        }
      }));
    },
    /** Reads the events of a response from the first to the end. Throws what the run throws. */
    read(owner: string, id: string, signal: AbortSignal): AsyncGenerator<ReasoningEvent> {
      const live = liveRuns.get(id);
      return read({ owner, id }, live?.owner === owner ? live.buffer : undefined, signal);
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
        if (await endRun(owner, current, last, claims.release({ owner, id }))) {
          endEverywhere(id);
          return last;
        }
        current = await responses.find(owner, id);
      }
      throw notFound(id);
    },
    /** Deletes a response and its events, and ends its run. */
    async delete(owner: string, id: string): Promise<void> {
      const run = { owner, id };
      await responses.delete(owner, id);
      endEverywhere(id);
      await store.write([...claims.release(run), eventLog.notify(run)]);
      await eventLog.delete(run);
    },
  };
}

function isTemporary(error: unknown): boolean {
  if (isOutage(error)) return true;
  return error instanceof ApiError &&
    (error.code === "rate_limit_exceeded" || error.code === "limits_unavailable");
}
