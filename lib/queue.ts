import { abortable } from "@std/async";

/** A queue for one reader. */
export interface Queue<T> {
  put(item: T): void;
  /** @throws the signal's reason when it is aborted. */
  take(signal?: AbortSignal): Promise<T>;
}

export function createQueue<T>(): Queue<T> {
  const items: T[] = [];
  let wake = () => {};
  return {
    put(item) {
      items.push(item);
      wake();
    },
    async take(signal) {
      signal?.throwIfAborted();
      if (items.length === 0) {
        const woken = new Promise<void>((resolve) => wake = resolve);
        await (signal === undefined ? woken : abortable(woken, signal));
      }
      return items.shift()!;
    },
  };
}
