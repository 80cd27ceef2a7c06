/** `o1-api serve`: runs the server until it is stopped. */
import { systemClock } from "../../clock.ts";
import { ConfigError } from "../../config/faults/fault.ts";
import { isDeploy } from "../../config/resolve.ts";
import { createApp } from "../../server/app.ts";
import { createSignalHandler } from "../../server/shutdown.ts";
import type { Log } from "../../server/telemetry/log.ts";
import {
  type CommandOptions,
  configOrExit,
  type Configuration,
  orExit,
  readVariable,
} from "../configuration.ts";
import {
  type ApiServer,
  listen,
  listenAddress,
  type Listener,
  listenForScrapes,
} from "../listener.ts";
import { createProgramLog, flushLog, logRejections } from "../log.ts";
import { openStores, type Stores } from "../open_stores.ts";
import { workerCount } from "../workers/count.ts";
import { announce } from "./banner.ts";
import { reloadOnChange } from "./reload.ts";

const NO_TOKEN =
  "This server has no token yet. Set the environment variable O1_API_TOKEN to a secret of your own and deploy again.";

/** Resolves when the server has stopped. */
export async function serve(options: CommandOptions): Promise<void> {
  const configuration = await configOrExit(options);
  const { path, folder, resolved } = configuration;
  const onDeploy = isDeploy(readVariable);
  const address = await orExit(() => listenAddress(configuration, options), ConfigError);
  const log = createProgramLog(resolved);
  const stores = await orExit(() => openStores(resolved.store, folder, log), Error);
  const { count, warning } = workerCount(resolved.server.workers, {
    cores: navigator.hardwareConcurrency,
    os: Deno.build.os,
    canShare: "listenDatagram" in Deno,
    onDeploy,
  });
  if (warning !== undefined) log.warn(warning);
  logRejections(log);
  const server = count > 1
    ? (await import("../workers/group.ts")).createWorkers({
      ...{ count, configuration, stores, clock: systemClock, log },
    })
    : createServer(configuration, stores, onDeploy, log);
  // Before the server is announced, so that no later change is missed.
  const stopReloading = onDeploy
    ? () => {}
    : reloadOnChange({ options, configuration, address, server, log });
  const listener = await server.listen(address);
  const scrapes = listenForScrapes(server.metrics, { ...address, port: resolved.metrics.port });
  stopOnSignal(server, [listener, scrapes], resolved.server.shutdown_grace_ms, log);
  // Last, because the reader of this line may send a signal at once.
  const { port } = listener;
  announce({ config: resolved, address: { ...address, port }, path, workers: count }, log);
  flushLog();
  await listener.finished;
  stopReloading();
  await Promise.all([stores.store.close(), stores.limiter.close()]);
}

/** Serves in this event loop. */
function createServer(
  { resolved }: Configuration,
  stores: Stores,
  onDeploy: boolean,
  log: Log,
): ApiServer {
  const app = createApp({
    ...stores,
    config: resolved,
    clock: systemClock,
    random: Math.random,
    fetch,
    log,
    unavailableReason: onDeploy && !resolved.hasRealToken ? NO_TOKEN : undefined,
  });
  return {
    listen: (address) => listen(address, app.handle),
    metrics: app.metrics,
    reload: (next) => app.reload(next.resolved),
    drain: (graceMs) => app.drain(graceMs),
  };
}

function stopOnSignal(
  server: ApiServer,
  listeners: (Listener | undefined)[],
  graceMs: number,
  log: Log,
): void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const handle = createSignalHandler({
    drain: () => server.drain(graceMs),
    async close() {
      await Promise.all(listeners.map((listener) => listener?.shutdown()));
    },
    exit: (code) => Deno.exit(code),
    clock: systemClock,
    onBegin: (signal) => log.info(`${signal}: draining`, { grace_ms: graceMs }),
  });
  for (const signal of signals) Deno.addSignalListener(signal, () => handle(signal));
}
