/**
 * Waits for events, with a limit in real time. A test that waits in vain fails and says for what.
 *
 * @module
 */
import { type Clock, DAY_MS, systemClock } from "../../lib/clock.ts";

/** Only for what never happens: several times as long as the slowest event on a busy machine. */
export const LIMIT_MS = 180_000;

type Description = string | (() => string);

const late = (what: Description, limitMs = LIMIT_MS) =>
  new Error(`waited ${limitMs / 1_000} s for ${typeof what === "string" ? what : what()}`);

/** Resolves with the result of `event`. */
export async function waitFor<T>(
  what: Description,
  event: Promise<T>,
  limitMs = LIMIT_MS,
  clock: Clock = systemClock,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const cancel = clock.timer(limitMs, () => limit.reject(late(what, limitMs)));
  try {
    return await Promise.race([event, limit.promise]);
  } finally {
    cancel();
  }
}

/**
 * Repeats `step` until the condition is met. A step takes at least 1 ms, so that a fake clock which
 * it advances does not outrun sockets and stores.
 */
export async function waitUntil(
  what: Description,
  isMet: () => boolean | Promise<boolean>,
  step?: () => Promise<unknown>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const start = performance.now();
  while (!await isMet()) {
    const waitedMs = performance.now() - start;
    if (waitedMs > limitMs) throw late(what, limitMs);
    await step?.();
    // A long wait for another process looks less and less often.
    const ms = step === undefined ? Math.min(1 + waitedMs / 50, 20) : 1;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** Waits for a day that does not end during a test, for one that needs the real date. */
export async function waitForLongDay(): Promise<void> {
  const isLong = () => Date.now() % DAY_MS < DAY_MS - LIMIT_MS;
  await waitUntil("the next day", isLong, undefined, 2 * LIMIT_MS);
}

/** Returns the response with a limit on each read of its body. Reads nothing ahead. */
export function limitReads(response: Response, what: Description): Response {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await waitFor(what, reader.read());
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return new Response(body, response);
}

/** Fetches with a limit on the wait for the headers and on each read of the body. */
export async function fetchInTime(url: string, init?: RequestInit): Promise<Response> {
  const response = await waitFor(`the headers of ${url}`, fetch(url, init));
  return limitReads(response, `the next part of the body of ${url}`);
}
