/**
 * How many requests run at a time, and how many wait their turn.
 *
 * @module
 */
import { ApiError, ClientGoneError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import type { Middleware } from "./chain.ts";

/** Lets requests in, in the order in which they came. */
export interface Admission {
  /**
   * Waits for a place.
   *
   * @param request whose signal tells that its client leaves; it is looked at only in the queue.
   * @returns gives the place back; only the first call counts.
   * @throws {ApiError} 503 where too many wait, or after too long a wait.
   * @throws {ClientGoneError} when the client leaves.
   */
  enter(request: Pick<Request, "signal">): Promise<() => void>;
}

/** What is let in. */
export interface AdmissionOptions {
  /** Requests at a time, as it is now. */
  places: () => number;
  /** Requests that wait, as it is now. */
  queue: () => number;
  /** The one clock. */
  clock: Clock;
}

/** The longest wait, in milliseconds. */
const WAIT_MS = 10_000;

/** Creates the admission. */
export function createAdmission({ places, queue, clock }: AdmissionOptions): Admission {
  /** Those who wait, the first first. */
  const waiting = new Set<() => void>();
  let taken = 0;

  function place(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = waiting;
      // The place goes from hand to hand, so that nobody who comes later slips in.
      if (next === undefined) taken--;
      else next();
    };
  }

  return {
    enter(request) {
      if (taken < places()) {
        taken++;
        return Promise.resolve(place());
      }
      const { signal } = request;
      if (signal.aborted) return Promise.reject(gone());
      if (waiting.size >= queue()) return Promise.reject(overloaded());
      return new Promise((resolve, reject) => {
        const stop = () => {
          waiting.delete(enter);
          cancel();
          signal.removeEventListener("abort", leave);
        };
        const enter = () => {
          stop();
          resolve(place());
        };
        const leave = () => {
          stop();
          reject(gone());
        };
        const cancel = clock.timer(WAIT_MS, () => {
          stop();
          reject(overloaded());
        });
        signal.addEventListener("abort", leave);
        waiting.add(enter);
      });
    },
  };
}

function gone(): ClientGoneError {
  return new ClientGoneError("The client left before its turn");
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
