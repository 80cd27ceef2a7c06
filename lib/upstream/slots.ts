/**
 * How many calls an upstream gets at once.
 *
 * @module
 */

/** A fixed number of slots, given out in the order in which they were asked for. */
export interface Slots {
  /**
   * Waits for a slot.
   *
   * @returns the function that gives it back; to be called once.
   * @throws the signal's reason, when it is aborted while waiting.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
}

interface Waiter {
  give: () => void;
}

/** Creates slots, all free. */
export function createSlots(limit: number): Slots {
  let free = limit;
  // A set keeps the order of insertion and lets go of a waiter from its middle at no cost.
  const waiting = new Set<Waiter>();

  function release(): void {
    const [next] = waiting;
    if (next === undefined) free++;
    else {
      waiting.delete(next);
      next.give();
    }
  }

  return {
    acquire(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (free > 0) {
        free--;
        return Promise.resolve(release);
      }
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          give() {
            signal.removeEventListener("abort", leave);
            resolve(release);
          },
        };
        const leave = () => {
          waiting.delete(waiter);
          reject(signal.reason);
        };
        waiting.add(waiter);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
