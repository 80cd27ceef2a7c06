/** Frees the slots that were taken at once; only the first call has an effect. */
export type Release = () => void;

export type Slots = ReturnType<typeof createSlots>;

/**
 * One of several owners may take slots only while it holds less than this many times the free ones.
 * So an owner without any finds one, if there are 5 or more: one owner gets at most 4/5 of them, two
 * get 4/9 each.
 *
 * @see Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches, 1998
 */
const MAX_HELD_PER_FREE = 4;

/**
 * Creates a bounded number of slots that owners share. Free ones go to the waiting owner that holds
 * the fewest; those who wait for one owner are served in order.
 *
 * @param limit returns the number of slots; read at each use.
 * @param isShared returns whether there are several owners; one owner may use all slots.
 */
export function createSlots(limit: () => number, isShared: () => boolean) {
  // A map keeps the order and deletes from its middle in constant time.
  const queues = new Map<string, Map<() => void, number>>();
  const held = new Map<string, number>();
  let taken = 0;

  const heldBy = (owner: string) => held.get(owner) ?? 0;
  const free = () => limit() - taken;
  const areFree = (count: number) => count <= free() || taken === 0 && limit() > 0;
  const mayTake = (owner: string) =>
    !isShared() || heldBy(owner) < MAX_HELD_PER_FREE * Math.max(0, free());

  function change(owner: string, difference: number): void {
    taken += difference;
    held.set(owner, heldBy(owner) + difference);
  }

  function take(owner: string, count: number): Release {
    let isReleased = false;
    change(owner, count);
    return () => {
      if (isReleased) return;
      isReleased = true;
      change(owner, -count);
      update();
    };
  }

  function dequeue(owner: string, admit: () => void): void {
    const queue = queues.get(owner);
    queue?.delete(admit);
    if (queue?.size === 0) queues.delete(owner);
  }

  /** Of owners that hold equally many, the one that was served longest ago. */
  function nextOwner(): string | undefined {
    let next: string | undefined;
    for (const owner of queues.keys()) {
      if (mayTake(owner) && (next === undefined || heldBy(owner) < heldBy(next))) next = owner;
    }
    return next;
  }

  function update(): void {
    for (let owner; (owner = nextOwner()) !== undefined;) {
      const queue = queues.get(owner)!;
      const [admit, count] = queue.entries().next().value!;
      // Otherwise smaller calls could overtake it again and again.
      if (!areFree(count)) return;
      queues.delete(owner);
      queues.set(owner, queue);
      dequeue(owner, admit);
      admit();
    }
  }

  /**
   * Takes slots unless too few are free for the owner, or others wait for them.
   *
   * @param count number of slots; more than the limit need all of them.
   */
  function tryAcquire(owner: string, count = 1): Release | undefined {
    update();
    const isNext = nextOwner() === undefined && !queues.has(owner);
    return isNext && mayTake(owner) && areFree(count) ? take(owner, count) : undefined;
  }

  return {
    tryAcquire,
    /**
     * Waits for slots.
     *
     * @throws the signal's reason when it is aborted before.
     */
    acquire(owner: string, signal: AbortSignal, count = 1): Promise<Release> {
      if (signal.aborted) return Promise.reject(signal.reason);
      const release = tryAcquire(owner, count);
      if (release !== undefined) return Promise.resolve(release);
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          dequeue(owner, admit);
          update();
          reject(signal.reason);
        };
        const admit = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(take(owner, count));
        };
        queues.set(owner, (queues.get(owner) ?? new Map()).set(admit, count));
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    /** Gives slots to waiting callers after `limit` was raised. */
    update,
  };
}
