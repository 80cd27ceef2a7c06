/** `o1-api serve`: runs the server until it is stopped. */
import { serverClock } from "../../clock.ts";
import { ConfigError } from "../../config/faults/fault.ts";
import { type ListenAddress, loopWarnings } from "../../config/listen.ts";
import type { ServerSettings } from "../../config/resolve.ts";
import { createApp } from "../../server/app.ts";
import { createSignalHandler, type ShutdownSignal } from "../../server/shutdown.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { type CommandOptions, configOrExit, type Configuration, orExit } from "../configuration.ts";
import {
  type ApiServer,
  listen,
  listenAddress,
  type Listener,
  listenForScrapes,
} from "../listener.ts";
import { createProgramLog, flushLog, logUncaught } from "../log.ts";
import { openStores, type Stores } from "../open_stores.ts";
import { workerCount } from "../workers/count.ts";
import { announce } from "./banner.ts";
import { reloadOnChange } from "./reload.ts";

const NO_TOKEN =
  "This server has no token yet. Set the environment variable O1_API_TOKEN to a secret of your own and deploy again.";

/**
 * How long timers may keep the process of a stopped server alive, in milliseconds. An exit at once
 * would lose the last traces.
 */
const EXIT_MS = 5_000;

/** Resolves when the server has stopped. */
export async function serve(options: CommandOptions): Promise<void> {
  const configuration = await configOrExit(options);
  const { config, folder, resolved } = configuration;
  const { onDeploy } = resolved;
  const address = await orExit(() => listenAddress(configuration, options), ConfigError);
  const log = createProgramLog(resolved);
  const stores = await orExit(() =>
    openStores({
      setting: config.store,
      ca: config.store_ca_file,
      folder,
      log,
      waitMs: config.store_wait_ms,
      onGiveUp(error) {
        flushLog();
        console.error(error.message);
        Deno.exit(1);
      },
    }), Error);
  const { count, warning } = workerCount(resolved.server.workers, {
    cores: navigator.hardwareConcurrency,
    os: Deno.build.os,
    canShare: "listenDatagram" in Deno,
    onDeploy,
  });
  if (warning !== undefined) log.warn(warning);
  logUncaught(log);
  const server = count > 1
    ? await (await import("../workers/group.ts")).startWorkers(
      { count, address, configuration, stores, log },
    )
    : startServer(address, configuration, stores, log);
  const stopReloading = onDeploy
    ? () => {}
    : reloadOnChange({ options, configuration, address, server, log });
  const scrapes = listenForScrapes(
    server.metrics,
    { ...address, port: resolved.metrics.port },
    log,
  );
  const stopped = stopOnSignal(server, scrapes, resolved.server, log);
  // Last, because the reader of this line may change the configuration or send a signal at once.
  const { port } = server;
  for (const text of loopWarnings(config, { ...address, port })) log.warn(text);
  announce({ options, configuration, address: { ...address, port }, workers: count }, log);
  flushLog();
  await stopped;
  stopReloading();
  await Promise.all([stores.store.close(), stores.limiter.close()]);
  // A strategy file may have a timer that never ends.
  Deno.unrefTimer(setTimeout(() => Deno.exit(), EXIT_MS));
}

function startServer(
  address: ListenAddress,
  { resolved }: Configuration,
  stores: Stores,
  log: Log,
): ApiServer {
  const { onDeploy, hasRealToken } = resolved;
  const app = createApp({
    ...stores,
    config: resolved,
    clock: serverClock,
    random: Math.random,
    fetch,
    readsModelLists: true,
    log,
    unavailableReason: onDeploy && !hasRealToken ? NO_TOKEN : undefined,
  });
  // Deno Deploy sends no probes, and its KV bills each read.
  if (!onDeploy) app.watchBackends();
  return {
    ...listen(address, app.handle, log),
    metrics: app.metrics,
    reload: (next) => app.reload(next.resolved),
    drain: app.drain,
  };
}

/** Resolves when the server has stopped after SIGINT or SIGTERM. */
function stopOnSignal(
  server: ApiServer,
  scrapes: Listener | undefined,
  { shutdown_delay_ms: delayMs, shutdown_grace_ms: graceMs }: ServerSettings,
  log: Log,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A person who presses Ctrl-C waits for no load balancer.
  const delayOf = (signal: ShutdownSignal) => signal === "SIGTERM" ? delayMs : 0;
  const handle = createSignalHandler({
    drain: (signal) => server.drain(graceMs, delayOf(signal)),
    async close() {
      await Promise.all([server.shutdown(), scrapes?.shutdown()]);
      resolve();
    },
    exit: (code) => Deno.exit(code),
    clock: serverClock,
    onBegin: (signal) =>
      log.info(`${signal}: draining`, { delay_ms: delayOf(signal), grace_ms: graceMs }),
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => handle(signal));
  }
  return promise;
}
