import { join } from "node:path";
import { isDeploy } from "../config/resolve.ts";
import type { Log } from "../server/telemetry/log.ts";
import { openStores as open, type Stores } from "../store/open.ts";
import { readVariable } from "./configuration.ts";

export type { Stores };

/**
 * Opens the stores of the setting `store`.
 *
 * @param folder folder of config.yaml, which also holds the SQLite database
 * @throws {Error} if a store cannot be opened
 */
export function openStores(setting: string, folder: string, log: Log): Promise<Stores> {
  return open(setting, {
    path: join(folder, "o1-api.db"),
    now: Date.now,
    warn: (message) => log.warn(message),
    onDeploy: isDeploy(readVariable),
  });
}
