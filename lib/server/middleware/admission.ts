import { ApiError, ClientGoneError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import { createSlots, type Release } from "../../upstream/slots.ts";
import type { Middleware } from "./chain.ts";

/** Bounds the requests that run at once and those that wait for their turn. */
export interface Admission {
  /**
   * Waits until the request may run.
   *
   * @param request its signal is read only if the request has to wait.
   * @throws {ApiError} 503 if the queue is full, or after 10 seconds in it.
   * @throws {ClientGoneError} if the client disconnects.
   */
  enter(request: Pick<Request, "signal">): Promise<Release>;
  /** Lets waiting requests run after `maxRunning` was raised. */
  update(): void;
}

export interface AdmissionOptions {
  /** Returns the number of requests that may run at once; read at each use. */
  maxRunning: () => number;
  /** Returns the number of requests that may wait; read at each use. */
  maxWaiting: () => number;
  clock: Clock;
}

const MAX_WAIT_MS = 10_000;

export function createAdmission({ maxRunning, maxWaiting, clock }: AdmissionOptions): Admission {
  const slots = createSlots(maxRunning);
  return {
    async enter(request) {
      const release = slots.tryAcquire();
      if (release !== undefined) return release;
      const { signal } = request;
      if (signal.aborted) throw disconnected();
      if (slots.waiting() >= maxWaiting()) throw overloaded();
      const leave = new AbortController();
      const onAbort = () => leave.abort(disconnected());
      signal.addEventListener("abort", onAbort);
      const cancelTimer = clock.timer(MAX_WAIT_MS, () => leave.abort(overloaded()));
      try {
        return await slots.acquire(leave.signal);
      } finally {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
      }
    },
    update: slots.update,
  };
}

function disconnected(): ClientGoneError {
  return new ClientGoneError("The client disconnected while it waited");
}

function overloaded(): ApiError {
  return new ApiError(503, "The server has too many requests at the moment. Try again soon.", {
    type: "service_unavailable_error",
    code: "server_overloaded",
    headers: { "retry-after": "2" },
  });
}

/** Limits how many requests run at a time; rejects new ones while the server shuts down. */
export function admission(queue: Admission, isDraining: () => boolean): Middleware {
  return async (request, exchange, next) => {
    const { open, urgent } = exchange.match.route;
    if (open || urgent) return await next();
    if (isDraining()) throw shutdownError();
    exchange.onFinish(await queue.enter(request));
    if (isDraining()) throw shutdownError();
    return await next();
  };
}

/** The error for requests that arrive, or still run, when the server shuts down. */
export function shutdownError(): ApiError {
  return new ApiError(503, "The server is shutting down. Try again in a moment.", {
    type: "service_unavailable_error",
    code: "server_shutdown",
    headers: { "retry-after": "5" },
  });
}
