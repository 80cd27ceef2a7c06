import { ApiError, ClientGoneError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import { createSlots, type Release } from "../../slots.ts";
import type { Step } from "./chain.ts";

export interface AdmissionOptions {
  /** Returns the number of requests that may run at once; read at each use. */
  maxRunning: () => number;
  /** Returns the number of requests that may wait; read at each use. */
  maxWaiting: () => number;
  /** Returns whether the server has several owners. */
  isShared: () => boolean;
  isDraining: () => boolean;
  clock: Clock;
}

const MAX_WAIT_MS = 10_000;

/**
 * Bounds the requests that run at once and those that wait, and shares both among owners. Rejects
 * new requests during shutdown.
 */
export function createAdmission(
  { maxRunning, maxWaiting, isShared, isDraining, clock }: AdmissionOptions,
) {
  const slots = createSlots(maxRunning, isShared);
  const queue = createSlots(maxWaiting, isShared);

  async function wait(owner: string, { signal }: Request): Promise<Release> {
    const leaveQueue = queue.tryAcquire(owner);
    if (leaveQueue === undefined) throw overloaded();
    const leave = new AbortController();
    const onAbort = () => leave.abort(new ClientGoneError("The client disconnected in the queue"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    const cancelTimer = clock.timer(MAX_WAIT_MS, () => leave.abort(overloaded()));
    try {
      return await slots.acquire(owner, leave.signal);
    } finally {
      leaveQueue();
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
    }
  }

  const admit: Step = (request, exchange) => {
    const { open, urgent } = exchange.match.route;
    if (open || urgent) return;
    if (isDraining()) throw shutdownError();
    const { owner } = exchange.client;
    const release = slots.tryAcquire(owner);
    if (release !== undefined) return exchange.onFinish(release);
    return wait(owner, request).then((release) => {
      exchange.onFinish(release);
      // The shutdown may have begun while the request was waiting.
      if (isDraining()) throw shutdownError();
    });
  };

  return {
    admit,
    /** Lets waiting requests run after `maxRunning` was raised. */
    update: slots.update,
  };
}

function overloaded(): ApiError {
  return new ApiError(503, "The server has too many requests at the moment. Try again soon.", {
    code: "server_overloaded",
    headers: { "retry-after": "2" },
  });
}

/** The error for requests that arrive, or are still running, when the server shuts down. */
export function shutdownError(): ApiError {
  return new ApiError(503, "The server is shutting down. Try again in a moment.", {
    code: "server_shutdown",
    headers: { "retry-after": "5" },
  });
}
