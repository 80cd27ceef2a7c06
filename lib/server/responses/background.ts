/**
 * Responses that are made without their client: each runs here, tells the store what it makes,
 * and can be read, from here or from another server, while it goes on and afterwards.
 *
 * @module
 */
import { ApiError, toApiError } from "../../api/errors.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { ResponseWriter } from "../../api/responses/encode.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";
import { type Clock, sleep } from "../../clock.ts";
import { createEventLog, type EventLogWriter } from "./event_log.ts";
import type { FoundResponse, KeptResponse, KeptResponses } from "./stored.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { failedBefore } from "./replay.ts";
import type { Work } from "../work.ts";

/** How long a server that fell silent is waited for, in milliseconds. */
const LEASE_MS = 30_000;

/** How often a server says that it lives, and looks whether its run was cancelled elsewhere. */
const RENEW_MS = 5_000;

/** How often the events of a run on another server are looked for, in milliseconds. */
const POLL_MS = 500;

/** A run that is to go on without its client. */
export interface BackgroundRun {
  /** Whose it is. */
  owner: string;
  /** The response at its beginning, which is kept already when this returns. */
  kept: KeptResponse;
  /** Its events. */
  events: AsyncGenerator<ReasoningEvent>;
  /** Its work, which ends when all is written. */
  work: Work;
  /** Writes the response that is kept in the end. */
  writer: ResponseWriter;
  /** The changes that keep the whole response; undefined where a condition has failed. */
  finish(kept: KeptResponse, changes: readonly Change[], version: string): Promise<boolean>;
}

/** The runs without clients. */
export interface BackgroundRuns {
  /**
   * Keeps a response at its beginning and starts its run.
   *
   * @throws {ApiError} 429 where too many are running.
   */
  start(run: BackgroundRun): Promise<void>;
  /** The response as it stands; one whose server died is failed. */
  find(owner: string, id: string): Promise<FoundResponse | undefined>;
  /** The events of a response from the first, until it ends; throws what the run threw. */
  read(owner: string, id: string, signal: AbortSignal): AsyncGenerator<ReasoningEvent>;
  /**
   * Ends a run.
   *
   * @throws {ApiError} 400 where there is nothing to cancel.
   */
  cancel(owner: string, found: FoundResponse): Promise<ResponseObject>;
  /** Ends a run, if it is one, whose response was deleted, and forgets its events. */
  forget(id: string): Promise<void>;
}

/** What background runs need from outside. */
export interface BackgroundOptions {
  /** Where all is kept. */
  store: Store;
  /** Where responses are kept. */
  responses: KeptResponses;
  /** How long events are kept, in milliseconds. */
  ttlMs: number;
  /** How many may run here at once. */
  max: number;
  /** The one clock. */
  clock: Clock;
  /** Where trouble is told. */
  log: Log;
}

interface LiveRun {
  owner: string;
  events: ReasoningEvent[];
  end: { error?: unknown } | undefined;
  work: Work;
  /** Wakes those that wait for more. */
  wake: () => void;
  more: Promise<void>;
}

/** Creates the register of background runs. */
export function createBackgroundRuns(options: BackgroundOptions): BackgroundRuns {
  const { store, responses, clock, log, ttlMs } = options;
  const live = new Map<string, LiveRun>();
  const server = crypto.randomUUID();
  const leaseKey = (id: string): EntryKey => ({ collection: "background", id });
  const eventLog = createEventLog(store, clock, ttlMs);

  const lease = (id: string, ifVersion?: string | null): Change => ({
    key: leaseKey(id),
    value: JSON.stringify({ server, until: clock.date() + LEASE_MS }),
    expiresAt: clock.date() + ttlMs,
    ...(ifVersion === undefined ? {} : { ifVersion }),
  });

  /** Says from time to time that the run lives; ends it when its response is over elsewhere. */
  function renewing(id: string, work: Work): () => void {
    let cancel = () => {};
    let stopped = false;
    const again = () => {
      if (!stopped) cancel = clock.timer(RENEW_MS, () => void renew());
    };
    const renew = async () => {
      try {
        const [entry] = await store.get([leaseKey(id)]);
        const held = entry !== undefined && await store.write([lease(id, entry.version)]);
        if (held) again();
        else if (!stopped) work.abort(cancelled());
      } catch (error) {
        log.warn("A background response could not renew its lease", {
          cause: stackWithoutMessage(error),
        });
        again();
      }
    };
    again();
    return () => {
      stopped = true;
      cancel();
    };
  }

  async function produce(run: BackgroundRun, own: LiveRun, stopRenewing: () => void) {
    const { id } = run.kept.response;
    const written = eventLog.write(id);
    let last: ReasoningEvent[] = [];
    let end: LiveRun["end"] = {};
    try {
      for await (const event of run.events) {
        await run.writer.push(event);
        written.push(event);
        // Nobody hears that the response is complete before it is kept.
        if (event.type === "finish") last = [event];
        else {
          own.events.push(event);
          own.wake();
        }
      }
      run.work.signal.throwIfAborted();
    } catch (error) {
      end = { error: run.work.signal.aborted ? run.work.signal.reason : error };
    }
    stopRenewing();
    try {
      end = await keep(run, end, written);
    } catch (error) {
      log.error("A background response could not be kept", { cause: stackWithoutMessage(error) });
      end = { error };
    } finally {
      if (!("error" in end)) own.events.push(...last);
      own.end = end;
      live.delete(id);
      own.wake();
      run.work.end();
    }
  }

  /** Keeps the response as it ended, unless somebody else has said how; returns how. */
  async function keep(
    run: BackgroundRun,
    end: { error?: unknown },
    written: EventLogWriter,
  ): Promise<{ error?: unknown }> {
    const { id } = run.kept.response;
    let rest: Change[] = [];
    try {
      rest = await written.end();
    } catch (error) {
      log.error("The events of a background response could not be kept", {
        cause: stackWithoutMessage(error),
      });
      end = { error };
    }
    for (;;) {
      const found = await responses.find(run.owner, id);
      if (found === undefined || !isRunning(found.kept.response)) {
        if (found === undefined) await eventLog.forget(id);
        else await store.write(rest);
        return { error: cancelled() };
      }
      if ("error" in end) await run.writer.fail(toApiError(end.error), true);
      const thinking = run.writer.thinking();
      const kept = {
        ...run.kept,
        response: run.writer.response(),
        ...(thinking === "" ? {} : { thinking }),
      };
      const done: Change = { key: leaseKey(id), delete: true };
      if (await run.finish(kept, [done, ...rest], found.version)) return end;
    }
  }

  async function find(owner: string, id: string): Promise<FoundResponse | undefined> {
    const found = await responses.find(owner, id);
    if (found === undefined || !isRunning(found.kept.response) || live.has(id)) return found;
    const [entry] = await store.get([leaseKey(id)]);
    if (entry !== undefined && JSON.parse(entry.value).until > clock.date()) return found;
    const response: ResponseObject = {
      ...found.kept.response,
      status: "failed",
      error: {
        code: "server_shutdown",
        message: "The server that made this response has stopped. Ask again.",
      },
    };
    await store.write([
      responses.saving(owner, { ...found.kept, response }, found.version),
      { key: leaseKey(id), delete: true },
    ]);
    return await responses.find(owner, id);
  }

  async function* readLive(run: LiveRun, signal: AbortSignal): AsyncGenerator<ReasoningEvent> {
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    left.promise.catch(() => {});
    signal.addEventListener("abort", leave, { once: true });
    try {
      for (let at = 0;;) {
        signal.throwIfAborted();
        const event = run.events[at];
        if (event !== undefined) {
          at++;
          yield event;
        } else if (run.end !== undefined) {
          if ("error" in run.end) throw run.end.error;
          return;
        } else await Promise.race([run.more, left.promise]);
      }
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async function* readLog(
    owner: string,
    id: string,
    signal: AbortSignal,
  ): AsyncGenerator<ReasoningEvent> {
    let after: string | undefined;
    for (;;) {
      // Asked for first, so that nothing can be written between the last look and the end.
      const found = await find(owner, id);
      if (found === undefined) throw new ApiError(404, `Response with id '${id}' not found.`);
      const { events, last } = await eventLog.read(id, after);
      yield* events;
      after = last ?? after;
      const { status, error } = found.kept.response;
      if (status === "cancelled") throw cancelled();
      if (error !== null) throw failedBefore(error);
      if (!isRunning(found.kept.response)) return;
      await sleep(clock, POLL_MS, signal);
    }
  }

  return {
    async start(run) {
      if (live.size >= options.max) {
        throw new ApiError(429, "Too many background responses are running. Try again later.", {
          type: "rate_limit_error",
          code: "rate_limit_exceeded",
          headers: { "retry-after": "30" },
        });
      }
      const { id } = run.kept.response;
      const own: LiveRun = {
        owner: run.owner,
        events: [],
        end: undefined,
        work: run.work,
        wake: () => {},
        more: Promise.resolve(),
      };
      renewMore(own);
      live.set(id, own);
      try {
        await store.write([responses.saving(run.owner, run.kept, null), lease(id, null)]);
      } catch (error) {
        live.delete(id);
        throw error;
      }
      void produce(run, own, renewing(id, run.work));
    },
    find,
    read(owner, id, signal) {
      const run = live.get(id);
      return run?.owner === owner ? readLive(run, signal) : readLog(owner, id, signal);
    },
    async cancel(owner, { kept, version }) {
      let current: FoundResponse | undefined = { kept, version };
      while (current !== undefined) {
        const { response } = current.kept;
        if (response.status === "cancelled") return response;
        if (!response.background) throw notCancelled("Only background responses can be cancelled.");
        if (!isRunning(response)) throw notCancelled(`The response is ${response.status} already.`);
        const ended: ResponseObject = { ...response, status: "cancelled" };
        const written = await store.write([
          responses.saving(owner, { ...current.kept, response: ended }, current.version),
          { key: leaseKey(response.id), delete: true },
        ]);
        if (written) {
          live.get(response.id)?.work.abort(cancelled());
          return ended;
        }
        current = await responses.find(owner, response.id);
      }
      throw new ApiError(404, `Response with id '${kept.response.id}' not found.`);
    },
    async forget(id) {
      live.get(id)?.work.abort(cancelled());
      await store.write([{ key: leaseKey(id), delete: true }]);
      await eventLog.forget(id);
    },
  };
}

function renewMore(run: LiveRun): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  run.more = promise;
  run.wake = () => {
    renewMore(run);
    resolve();
  };
}

function cancelled(): ApiError {
  return new ApiError(400, "The response was cancelled.", { code: "response_cancelled" });
}

function notCancelled(message: string): ApiError {
  return new ApiError(400, message);
}
