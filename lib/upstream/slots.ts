/** Frees a slot; only the first call has an effect. */
export type Release = () => void;

/** A bounded number of slots and a queue for them, first come, first served. */
export interface Slots {
  /** Takes a slot unless all are in use or others wait. */
  tryAcquire(): Release | undefined;
  /**
   * Waits for a slot.
   *
   * @param count number of slots; more than the limit wait until all are free. Default: 1.
   * @throws the signal's reason when it is aborted before.
   */
  acquire(signal: AbortSignal, count?: number): Promise<Release>;
  /** Number of callers in the queue. */
  waiting(): number;
  /** Gives slots to waiting callers after `limit` was raised. */
  update(): void;
}

/** @param limit returns the number of slots; read at each use. */
export function createSlots(limit: () => number): Slots {
  // A map keeps the order and deletes from its middle in constant time.
  const queue = new Map<() => void, number>();
  let taken = 0;

  const isFree = (count: number) =>
    taken + count <= limit() || count > limit() && taken === 0 && limit() > 0;

  function take(count: number): Release {
    let isReleased = false;
    taken += count;
    return () => {
      if (isReleased) return;
      isReleased = true;
      taken -= count;
      update();
    };
  }

  function update(): void {
    for (const [admit, count] of queue) {
      if (!isFree(count)) return;
      queue.delete(admit);
      admit();
    }
  }

  function tryAcquire(count = 1): Release | undefined {
    update();
    return queue.size === 0 && isFree(count) ? take(count) : undefined;
  }

  return {
    tryAcquire: () => tryAcquire(),
    acquire(signal, count = 1) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const release = tryAcquire(count);
      if (release !== undefined) return Promise.resolve(release);
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          queue.delete(admit);
          reject(signal.reason);
        };
        const admit = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(take(count));
        };
        queue.set(admit, count);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    waiting: () => queue.size,
    update,
  };
}
