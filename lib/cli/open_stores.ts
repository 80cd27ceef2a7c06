/**
 * Where the program keeps responses and counts.
 *
 * @module
 */
import { join } from "../path.ts";
import type { Log } from "../server/telemetry/log.ts";
import type { Limiter } from "../store/limiter.ts";
import { openLimiter, openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";

/** What outlives a request. */
export interface Kept {
  /** Responses and conversations. */
  store: Store;
  /** Counts. */
  limiter: Limiter;
}

/**
 * Opens where responses and counts are kept.
 *
 * @param folder the configuration's, where the database of SQLite lies.
 * @throws {Error} where that can't be had.
 */
export async function openKept(
  setting: string,
  folder: string,
  onDeploy: boolean,
  log: Log,
): Promise<Kept> {
  const options = {
    path: join(folder, "o1-api.db"),
    now: Date.now,
    warn: (message: string) => log.warn(message),
    onDeploy,
  };
  return {
    store: await openStore(setting, options),
    limiter: await openLimiter(setting, options),
  };
}
