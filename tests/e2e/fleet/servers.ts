/** Three servers with two workers each, on fixed ports. */
import { freePort } from "../../support/port.ts";
import { type Program, startProgram, writeConfig } from "../../support/program.ts";
import { sha256 } from "../../support/sha256.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";
import { workersCommand } from "../workers/program.ts";
import type { FleetStore } from "./stores.ts";
import { startTcpProxy, type TcpProxy } from "./tcp_proxy.ts";

export const NAMES = ["a", "b", "c"] as const;
export type ServerName = typeof NAMES[number];

export const TOKEN = "fleet-token";
/** Key of a client with a budget. */
export const BUDGET_KEY = "fleet-budget";
export const BUDGET = { name: "budget", daily_tokens: 24_000, parallel: 4 } as const;

/** Longer than two checks of the balancer. */
const DELAY_MS = 4_000;

export interface FleetServer {
  name: ServerName;
  port: number;
  /** Between the server and its store. */
  link: TcpProxy | undefined;
  /** Starts the program; resolves when it listens. */
  start(): Promise<void>;
  /** Sends SIGTERM or SIGKILL; resolves when the program has exited. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Resolves when the program is ready. */
  ready(): Promise<void>;
  /** Returns the output of all programs so far that have ended. */
  output(): string;
}

export interface ServersOptions {
  /** Base URL of the upstream without the name of the server. */
  upstream: string;
  /** Undefined: each server has its own store in memory. */
  store?: Pick<FleetStore, "port" | "urlAt">;
  workers?: number;
  /** Environment variables of a server. */
  env?: (name: ServerName) => Record<string, string>;
}

export async function createServers(
  { upstream, store, workers = 2, env = () => ({}) }: ServersOptions,
): Promise<{ servers: FleetServer[] } & AsyncDisposable> {
  const cleanups: AsyncDisposable[] = [];
  const servers = await Promise.all(NAMES.map(async (name): Promise<FleetServer> => {
    const port = freePort();
    const link = store?.port === undefined ? undefined : startTcpProxy(store.port);
    if (link !== undefined) cleanups.push(link);
    const config = await writeConfig(`
api_bearer_token: ${TOKEN}
secret: fleet-secret
store: "${store?.urlAt(link?.port) ?? "memory"}"
keys: [{ name: ${BUDGET.name}, sha256: "${await sha256(
      BUDGET_KEY,
    )}", daily_tokens: ${BUDGET.daily_tokens}, parallel: ${BUDGET.parallel} }]
limits: { rpm: 1000000 }
upstreams: { u: { base_url: "${upstream}/${name}/v1", retry: { base_ms: 20, max_ms: 1000 } } }
models: { m: { upstream: u, model: x, strategy: direct } }
server:
  workers: ${workers}
  host: 127.0.0.1
  port: ${port}
  shutdown_delay_ms: ${DELAY_MS}
  shutdown_grace_ms: 20000
`);
    cleanups.push(config);
    let program: Program | undefined;
    let output = "";
    const server: FleetServer = {
      name,
      port,
      link,
      async start() {
        program = await startProgram({
          command: workersCommand(),
          env: env(name),
          args: ["--config", config.path],
          hasPort: true,
        });
      },
      async stop(signal) {
        const stopped = program;
        if (stopped === undefined) return;
        program = undefined;
        stopped.kill(signal);
        output += (await stopped.ended).output;
      },
      ready: () =>
        waitUntil(`server ${name} to be ready`, async () => {
          const response = await fetchInTime(`http://127.0.0.1:${port}/readyz`);
          await response.body?.cancel();
          return response.ok;
        }),
      output: () => output,
    };
    cleanups.push({ [Symbol.asyncDispose]: () => server.stop("SIGKILL") });
    await server.start();
    return server;
  }));
  return {
    servers,
    async [Symbol.asyncDispose]() {
      for (const cleanup of cleanups.reverse()) await cleanup[Symbol.asyncDispose]();
    },
  };
}
