import { abortable } from "@std/async";

export type Queue<T> = ReturnType<typeof createQueue<T>>;

/** Creates a queue for one reader. */
export function createQueue<T>() {
  const items: T[] = [];
  let wake = () => {};
  return {
    put(item: T): void {
      items.push(item);
      wake();
    },
    /** @throws the signal's reason when it is aborted. */
    async take(signal?: AbortSignal): Promise<T> {
      signal?.throwIfAborted();
      if (items.length === 0) {
        const woken = new Promise<void>((resolve) => wake = resolve);
        await (signal === undefined ? woken : abortable(woken, signal));
      }
      return items.shift()!;
    },
  };
}
