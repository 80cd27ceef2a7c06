const GIVE_UP_MS = 5_000;
const MAX_DELAY_MS = 32;

/**
 * Calls `work` again, for up to 5 s, while it fails because another handle has locked the SQLite
 * file. Deno KV on a local file is SQLite too. The event loop continues between two calls.
 */
export async function retryWhileLocked<T>(work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  for (let delayMs = 1;; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
    try {
      return await work();
    } catch (error) {
      const isLocked = error instanceof Error && /locked|busy/.test(error.message);
      if (!isLocked || performance.now() - start >= GIVE_UP_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}
