import { join, resolve } from "node:path";
import { systemClock as clock } from "../clock.ts";
import { isDeploy } from "../config/resolve.ts";
import type { Log } from "../server/telemetry/log.ts";
import { sha256 } from "../sha256.ts";
import { openStores as open, type Stores } from "../store/open.ts";
import { waitForStores } from "../store/wait.ts";
import { readVariable } from "./configuration.ts";

export type { Stores };

export interface OpenStoresOptions {
  /** The setting `store`. */
  setting: string;
  /** Certificates in PEM that TLS trusts, besides the public ones. */
  ca: string | undefined;
  /** Folder of config.yaml, which also holds the SQLite database. */
  folder: string;
  log: Log;
  /** How long to wait for a server, in milliseconds. */
  waitMs: number;
  /** Called if the server has not answered in time, or refuses the connection later. */
  onGiveUp: (error: Error) => void;
}

/**
 * Opens the stores. If they are on a server that does not answer, they fail until it does.
 *
 * @throws {Error} if a store cannot be opened
 */
export async function openStores(options: OpenStoresOptions): Promise<Stores> {
  const { setting, log, waitMs, onGiveUp } = options;
  const kind = /^rediss?[:+]/.test(setting)
    ? "redis"
    : /^postgres(ql)?:/.test(setting)
    ? "postgres"
    : undefined;
  if (kind === undefined) return await openNow(options);
  return await waitForStores({
    open: () => openNow(options),
    kind,
    waitMs,
    clock,
    onFailure: ({ message }) =>
      log.warn("The server is not ready: it waits for its store", { cause: message }),
    onOpen: () => log.info("The store answers"),
    onGiveUp,
  });
}

async function openNow({ setting, folder, log, ca }: OpenStoresOptions): Promise<Stores> {
  const beside = join(folder, "o1-api.db");
  const isDefault = setting === "auto" || setting === "sqlite";
  const path = isDefault ? await databasePath(beside) : beside;
  const stores = await open(setting, {
    path,
    now: Date.now,
    warn: (message) => log.warn(message),
    onDeploy: isDeploy(readVariable),
    ca,
  });
  // Workers open the store again, without `auto`.
  if (setting === "auto" && path !== beside && stores.store.kind === "sqlite") {
    log.info("This program may not write beside its configuration, so its database is elsewhere", {
      path,
    });
  }
  return stores;
}

/**
 * Returns the path beside the configuration, or one in a folder of the program if the permissions
 * exclude the first, as those of `deno task start --config /elsewhere/config.yaml` do. A database
 * that exists beside the configuration is never replaced by another.
 */
async function databasePath(beside: string): Promise<string> {
  if (await isWritable(beside) || await exists(beside)) return beside;
  const hash = await sha256(resolve(beside));
  const name = `o1-api-${hash.toHex().slice(0, 16)}.db`;
  const folders = [readVariable("O1_API_HOME"), join(import.meta.dirname ?? ".", "../.."), "."];
  for (const folder of folders) {
    const path = resolve(folder || ".", name);
    if (await isWritable(path)) return path;
  }
  return beside;
}

async function isWritable(path: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "write", path })).state === "granted";
}

/** A file that can't be seen may exist. */
function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
}
