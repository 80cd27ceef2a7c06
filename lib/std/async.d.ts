/** Types of the part of `@std/async` that is used here. */

/** Rejects with the signal's reason when it is aborted before `promise` is settled. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>;

/** Maps items with up to `poolLimit` calls at a time; yields the results in the items' order. */
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;
