import { type ListenAddress, listenOptions } from "../config/listen.ts";
import { systemClock } from "../clock.ts";
import { type Log, stackWithoutMessage } from "../server/telemetry/log.ts";
import { keepListening } from "./keep_listening.ts";
import { type CommandOptions, type Configuration, readVariable } from "./configuration.ts";

export interface Listener {
  port: number;
  /** Stops listening; resolves when all answers are sent. */
  shutdown(): Promise<void>;
}

/** Serves the API, in one event loop or in several. */
export interface ApiServer extends Listener {
  /** Answers a scrape; undefined if metrics are disabled. */
  metrics: (() => Promise<Response>) | undefined;
  /** New requests use the new configuration once this resolves. */
  reload(next: Configuration): Promise<void> | void;
  /** See `App.drain`. */
  drain(graceMs: number, delayMs: number): Promise<void>;
}

/** @throws {ConfigError} naming the flag or variable that is invalid. */
export function listenAddress(
  { config, resolved: { hasRealToken, onDeploy } }: Configuration,
  { host, port }: CommandOptions,
): ListenAddress {
  const flags = { host, port };
  return listenOptions({ config, flags, env: readVariable, hasRealToken, onDeploy });
}

/** Deno's own handler prints the whole error, also of a stream that fails on purpose. */
export const logIncompleteResponse = (log: Log) => (error: unknown): Response => {
  log.warn("A response is incomplete", { cause: stackWithoutMessage(error) });
  return new Response("Internal Server Error", { status: 500 });
};

/**
 * Exits with 1 if the address is unusable.
 *
 * @param settings what to change if the port is in use.
 */
export function listen(
  { hostname, port }: ListenAddress,
  handler: (request: Request) => Promise<Response>,
  log: Log,
  settings?: string,
): Listener {
  const onError = logIncompleteResponse(log);
  const open = (chosen = port) =>
    Deno.serve({ hostname, port: chosen, onListen() {}, onError }, handler);
  const keep = () => keepListening({ open, clock: systemClock, log });
  return orExit({ hostname, port }, keep, settings);
}

/**
 * Returns the port of an address. If it is 0, chooses one and keeps it from other programs until
 * disposed. Needs `--unstable-net`. Exits with 1 if the port is in use.
 */
export function reservePort(address: ListenAddress): { port: number } & Disposable {
  const isChosen = address.port === 0;
  const listener = orExit(address, () => Deno.listen({ ...address, reusePort: isChosen }));
  // Clients may know this port already, and must not wait in the queue of this listener.
  if (!isChosen) listener.close();
  return { port: listener.addr.port, [Symbol.dispose]: () => isChosen && listener.close() };
}

/** Answers scrapes on a separate port, if one is set. */
export function listenForScrapes(
  metrics: ApiServer["metrics"],
  address: ListenAddress,
  log: Log,
): Listener | undefined {
  if (metrics === undefined || address.port === 0) return undefined;
  const answer = (request: Request) =>
    URL.parse(request.url)?.pathname === "/metrics"
      ? metrics()
      : Promise.resolve(new Response("Metrics are at /metrics.\n", { status: 404 }));
  return listen(address, answer, log, "metrics.port");
}

function orExit<T>(
  { hostname, port }: Pick<ListenAddress, "hostname" | "port">,
  open: () => T,
  settings = "--port, PORT or server.port",
): T {
  try {
    return open();
  } catch (error) {
    const { AddrInUse, AddrNotAvailable, PermissionDenied } = Deno.errors;
    if (error instanceof AddrInUse) {
      console.error(`Port ${port} is in use. Choose another with ${settings} in config.yaml.`);
    } else if (error instanceof AddrNotAvailable || error instanceof PermissionDenied) {
      console.error(`Can't listen on ${hostname}:${port}: ${error.message}`);
    } else throw error;
    Deno.exit(1);
  }
}
