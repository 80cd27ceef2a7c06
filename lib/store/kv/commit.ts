/**
 * Commits to Deno KV where others write too.
 *
 * @module
 */

/** How long a commit waits for others, and between its attempts. */
const BUSY_MS = 5_000;
const RETRY_MS = 2;

/**
 * Commits an operation; whether it took place or one of its checks failed. On a local file KV
 * throws when another handle is writing, without having done anything: that is tried again.
 */
export async function commit(operation: Deno.AtomicOperation): Promise<boolean> {
  for (let waited = 0;; waited += RETRY_MS) {
    try {
      return (await operation.commit()).ok;
    } catch (error) {
      const isBusy = error instanceof Error && error.message.includes("database is locked");
      if (!isBusy || waited >= BUSY_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
