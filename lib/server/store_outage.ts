import { ApiError } from "../api/errors.ts";
import { type Clock, sleep } from "../clock.ts";
import { type Store, StoreError } from "../store/store.ts";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

/** A store whose outages clients see as status 503. */
export function reportOutages(store: Store): Store {
  return {
    ...store,
    get: (keys) => store.get(keys).catch(rethrow),
    list: (range) => store.list(range).catch(rethrow),
    write: (changes) => store.write(changes).catch(rethrow),
    now: () => store.now().catch(rethrow),
  };
}

function rethrow(error: unknown): never {
  if (!(error instanceof StoreError)) throw error;
  throw new ApiError(503, "The server cannot reach its store at the moment. Try again later.", {
    code: "store_unavailable",
    headers: { "retry-after": "2" },
    cause: error,
  });
}

/** Whether a call failed because the store was unavailable; it may then have had an effect or not. */
export function isOutage(error: unknown): boolean {
  return error instanceof ApiError && error.code === "store_unavailable";
}

/**
 * Repeats work while the store is unavailable, with growing pauses, for up to `limitMs`
 * milliseconds. The work must have the same result if it is repeated.
 *
 * @param options.onFailure called after each failure.
 * @param options.signal ends the pauses.
 */
export async function retryOutages<T>(
  clock: Clock,
  limitMs: number,
  work: () => Promise<T>,
  { onFailure, signal }: {
    onFailure?: (error: unknown) => void;
    signal?: AbortSignal;
  } = {},
): Promise<T> {
  const end = clock.now() + limitMs;
  for (let delayMs = FIRST_DELAY_MS;; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error)) throw error;
      onFailure?.(error);
      if (clock.now() + delayMs > end) throw error;
    }
    await sleep(clock, delayMs, signal);
  }
}
