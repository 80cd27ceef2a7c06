import { join } from "node:path";
import { isDeploy } from "../config/resolve.ts";
import type { Log } from "../server/telemetry/log.ts";
import type { Limiter } from "../store/limiter.ts";
import { openLimiter, openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { readVariable } from "./configuration.ts";

/** State that outlives a request. */
export interface Stores {
  /** Responses, conversations and their events. */
  store: Store;
  limiter: Limiter;
}

/**
 * Opens the stores of the setting `store`.
 *
 * @param folder folder of config.yaml, which also holds the SQLite database
 * @throws {Error} if a store cannot be opened
 */
export async function openStores(setting: string, folder: string, log: Log): Promise<Stores> {
  const options = {
    path: join(folder, "o1-api.db"),
    now: Date.now,
    warn: (message: string) => log.warn(message),
    onDeploy: isDeploy(readVariable),
  };
  return {
    store: await openStore(setting, options),
    limiter: await openLimiter(setting, options),
  };
}
