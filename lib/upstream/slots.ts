/** Frees a slot; only the first call has an effect. */
export type Release = () => void;

/** A bounded number of slots and a queue for them, first come, first served. */
export interface Slots {
  /** Takes a slot unless all are in use or others wait. */
  tryAcquire(): Release | undefined;
  /**
   * Waits for a slot.
   *
   * @throws the signal's reason when it is aborted before.
   */
  acquire(signal: AbortSignal): Promise<Release>;
  /** Number of callers in the queue. */
  waiting(): number;
  /** Gives slots to waiting callers after `limit` was raised. */
  update(): void;
}

/** @param limit returns the number of slots; read at each use. */
export function createSlots(limit: () => number): Slots {
  // A set keeps the order and deletes from its middle in constant time.
  const queue = new Set<() => void>();
  let taken = 0;

  function take(): Release {
    let isReleased = false;
    taken++;
    return () => {
      if (isReleased) return;
      isReleased = true;
      taken--;
      update();
    };
  }

  function update(): void {
    for (const admit of queue) {
      if (taken >= limit()) return;
      queue.delete(admit);
      admit();
    }
  }

  function tryAcquire(): Release | undefined {
    update();
    return taken < limit() ? take() : undefined;
  }

  return {
    tryAcquire,
    acquire(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const release = tryAcquire();
      if (release !== undefined) return Promise.resolve(release);
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          queue.delete(admit);
          reject(signal.reason);
        };
        const admit = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(take());
        };
        queue.add(admit);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    waiting: () => queue.size,
    update,
  };
}
