import process from "node:process";

// Node 23.9's, which Deno's types do not have yet.
const { threadCpuUsage } = process as unknown as {
  threadCpuUsage(): { user: number; system: number };
};

/**
 * CPU time of this thread, in milliseconds, in steps of 10 on some kernels. Unlike a clock on the
 * wall, it does not run while other processes do.
 */
export function cpuMs(): number {
  const { user, system } = threadCpuUsage();
  return (user + system) / 1000;
}

/** Watches the event loop of this thread. */
export interface StallWatch {
  /** Takes what follows for another turn. */
  look(): void;
  /** The longest time in milliseconds of CPU between two turns of the event loop so far. */
  longest(): number;
  /** Does not count what was used since the last turn. */
  skip(): void;
  /** Forgets the longest time. */
  reset(): void;
  stop(): void;
}

/** Milliseconds between two looks at the CPU time. */
const TICK_MS = 1;

export function watchStalls(): StallWatch {
  let longest = 0;
  let last = cpuMs();
  const look = () => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const interval = setInterval(look, TICK_MS);
  // A timer of Node's types, whatever Deno's say. It keeps no process alive.
  (interval as unknown as { unref(): void }).unref();
  return {
    look,
    longest() {
      look();
      return longest;
    },
    skip: () => last = cpuMs(),
    reset: () => longest = 0,
    stop: () => clearInterval(interval),
  };
}

/** Returns how long the event loop of this thread was blocked by the action, in milliseconds of CPU. */
export async function longestStall(action: () => unknown): Promise<number> {
  const watch = watchStalls();
  try {
    await action();
    return watch.longest();
  } finally {
    watch.stop();
  }
}
