const GIVE_UP_MS = 5_000;
const RETRY_MS = 2;

/**
 * Calls `work` again, for up to 5 s, while it fails because another handle has locked the SQLite
 * file. Deno KV on a local file is SQLite too.
 */
export async function retryWhileLocked<T>(work: () => T | Promise<T>): Promise<T> {
  for (let waited = 0;; waited += RETRY_MS) {
    try {
      return await work();
    } catch (error) {
      const isLocked = error instanceof Error && /locked|busy/.test(error.message);
      if (!isLocked || waited >= GIVE_UP_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
