/**
 * `o1-api serve`: runs the server until it is told to end.
 *
 * @module
 */
import { type ListenAddress, listenOptions } from "../../config/listen.ts";
import { isDeploy } from "../../config/resolve.ts";
import { createApp } from "../../server/app.ts";
import type { Log } from "../../server/telemetry/log.ts";
import { createSignalHandler } from "../../server/shutdown.ts";
import { serverClock } from "../../clock.ts";
import { announce } from "./banner.ts";
import { configOrExit, type Configuration, exitOnConfigError } from "../configuration.ts";
import { openStores, type Stores } from "../open_stores.ts";
import { listen, type Listener, listenForScrapes } from "../listener.ts";
import { flushLog, logOf, logRejections } from "../log.ts";
import type { CommandOptions } from "../options.ts";
import { reloadOnChange } from "./reload.ts";
import type { Served } from "../served.ts";
import { workerCount } from "../workers/count.ts";

/** Runs the server; resolves when it has ended. */
export async function serve(options: CommandOptions): Promise<void> {
  const configuration = await configOrExit(options);
  const { path, folder, config, resolved } = configuration;
  const env = (name: string) => Deno.env.get(name);
  const onDeploy = isDeploy(env);
  const address = listenAddress();
  const log = logOf(resolved);
  const stores = await openOrExit(resolved.store, folder, onDeploy, log);
  const { count, warning } = workerCount(resolved.server.workers, {
    cores: navigator.hardwareConcurrency,
    os: Deno.build.os,
    canShare: "listenDatagram" in Deno,
    onDeploy,
  });
  if (warning !== undefined) log.warn(warning);
  logRejections(log);
  const served = count > 1
    ? (await import("../workers/group.ts")).createWorkers({
      count,
      configuration,
      stores,
      clock: serverClock,
      log,
    })
    : serveHere(configuration, stores, onDeploy, log);
  // Before it says that it listens, so that no change from then on is missed.
  const stopReloading = onDeploy
    ? () => {}
    : reloadOnChange({ options, configuration, address, served, log });
  const server = await served.listen(address);
  const scrapes = listenForScrapes(served.metrics, { ...address, port: resolved.metrics.port });
  onSignals(served, { server, scrapes }, resolved.server.shutdown_grace_ms, log);
  // Whoever reads this may end it at once.
  const { port } = server;
  announce({ config: resolved, address: { ...address, port }, path, workers: count }, log);
  flushLog();
  await server.finished;
  stopReloading();
  await Promise.all([stores.store.close(), stores.limiter.close()]);

  function listenAddress(): ListenAddress {
    try {
      const { host, port } = options;
      const { hasRealToken } = resolved;
      return listenOptions({ config, flags: { host, port }, env, hasRealToken, onDeploy });
    } catch (error) {
      exitOnConfigError(error);
    }
  }
}

/** One event loop, this one. */
function serveHere(
  { resolved }: Configuration,
  stores: Stores,
  onDeploy: boolean,
  log: Log,
): Served {
  const app = createApp({
    ...stores,
    config: resolved,
    clock: serverClock,
    random: Math.random,
    fetch,
    log,
    unavailableReason: onDeploy && !resolved.hasRealToken ? NO_TOKEN : undefined,
  });
  return {
    listen: (address) => listen(address, (request) => app.handle(request)),
    metrics: app.metrics,
    reload: (next) => app.reload(next.resolved),
    drain: (graceMs) => app.drain(graceMs),
  };
}

/** Opens what outlives requests; ends the process where that can't be had. */
async function openOrExit(...args: Parameters<typeof openStores>): Promise<Stores> {
  try {
    return await openStores(...args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}

const NO_TOKEN =
  "This server has no token yet. Set the environment variable O1_API_TOKEN to a secret of your own and deploy again.";

function onSignals(
  served: Served,
  { server, scrapes }: { server: Listener; scrapes: Listener | undefined },
  graceMs: number,
  log: Log,
): void {
  const handle = createSignalHandler({
    drain: () => served.drain(graceMs),
    async close() {
      await Promise.all([server.shutdown(), scrapes?.shutdown()]);
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
    exit: (code) => Deno.exit(code),
    clock: serverClock,
    onBegin: (signal) => log.info(`${signal}: draining`, { grace_ms: graceMs }),
  });
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    [signal, () => handle(signal)] as const
  );
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
}
