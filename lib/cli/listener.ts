/**
 * Listens on the network, and says what to do where that can't be.
 *
 * @module
 */
import type { ListenAddress } from "../config/listen.ts";

/** Something that listens. */
export interface Listener {
  /** The port. */
  port: number;
  /** Resolves when it has been closed. */
  finished: Promise<void>;
  /** Closes it; resolves when the last answer is out. */
  shutdown(): Promise<void>;
}

/** Listens; ends the process with 1 where it can't. */
export function listen(
  { hostname, port }: ListenAddress,
  handler: (request: Request) => Promise<Response>,
  advice?: string,
): Listener {
  const server = orExit(
    { hostname, port },
    () => Deno.serve({ hostname, port, onListen() {} }, handler),
    advice,
  );
  const { finished } = server;
  return { port: server.addr.port, finished, shutdown: () => server.shutdown() };
}

/** Finds out which port an address has, and that it is free; ends the process where it is not. */
export function freePort({ hostname, port }: ListenAddress): number {
  const listener = orExit({ hostname, port }, () => Deno.listen({ hostname, port }));
  listener.close();
  return listener.addr.port;
}

/** Answers scrapes on a port of their own, where one is set. */
export function listenForScrapes(
  metrics: (() => Promise<Response>) | undefined,
  address: ListenAddress,
): Listener | undefined {
  if (metrics === undefined || address.port === 0) return undefined;
  const answer = (request: Request) =>
    new URL(request.url).pathname === "/metrics"
      ? metrics()
      : Promise.resolve(new Response("Metrics are at /metrics.\n", { status: 404 }));
  return listen(address, answer, "metrics.port");
}

function orExit<T>(
  { hostname, port }: Pick<ListenAddress, "hostname" | "port">,
  open: () => T,
  advice = "--port, PORT or server.port",
): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      console.error(
        `Port ${port} is in use. Choose another with ${advice} in config.yaml.`,
      );
    } else if (
      error instanceof Deno.errors.AddrNotAvailable || error instanceof Deno.errors.PermissionDenied
    ) {
      console.error(`Can't listen on ${hostname}:${port}: ${error.message}`);
    } else throw error;
    Deno.exit(1);
  }
}
