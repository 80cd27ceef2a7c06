/**
 * The program with two workers, and clients that know which worker they are connected to.
 *
 * @module
 */
import {
  PERMISSIONS,
  type Program,
  ROOT,
  startProgram,
  writeConfig,
} from "../../support/program.ts";
import { waitUntil } from "../../support/wait.ts";

/** `api_bearer_token` of the program. */
export const TOKEN = "a-token-of-its-own";

export interface WorkerClient {
  /** Sends a request. Sequential requests share one connection and so one worker. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
}

export interface WorkerProgram extends AsyncDisposable {
  program: Program;
  configPath: string;
  /** A new client of each worker. */
  clients(): Promise<[WorkerClient, WorkerClient]>;
  /** A client of any worker, and the number of the worker. */
  client(): Promise<[WorkerClient, number]>;
}

export interface WorkerProgramOptions {
  /** Base URL of the upstream. */
  upstream: string;
  /** More lines of config.yaml. */
  yaml?: string;
  /** More upstream settings. */
  settings?: string;
  /** More settings of the model. */
  model?: string;
  /** More arguments of deno. */
  deno?: string[];
}

export const workersYaml = (
  { upstream, yaml = "store: memory", settings = "max_concurrency: 64", model = "" }:
    WorkerProgramOptions,
): string => `
api_bearer_token: "${TOKEN}"
upstreams: { s: { base_url: "${upstream}", ${settings} } }
models: { m: { strategy: direct, upstream: s, model: m, ${model} } }
server: { host: 127.0.0.1, workers: 2 }
${yaml}
`;

/** Command that allows event loops to share a port. */
export const workersCommand = (more: string[] = []): { path: string; args: string[] } => ({
  path: Deno.execPath(),
  args: ["run", ...PERMISSIONS, "--allow-write", "--unstable-net", ...more, `${ROOT}main.ts`],
});

export async function startWorkers(options: WorkerProgramOptions): Promise<WorkerProgram> {
  const config = await writeConfig(workersYaml(options));
  const program = await startProgram({
    command: workersCommand(options.deno),
    args: ["--config", config.path],
  });
  const pools: Deno.HttpClient[] = [];
  const base = program.url.replace("/v1", "");

  function open(): WorkerClient {
    const client = Deno.createHttpClient({});
    pools.push(client);
    return {
      send: (path, body, init = {}) =>
        fetch(`${base}${path}`, {
          client,
          method: body === undefined ? "GET" : "POST",
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...init,
          headers: {
            authorization: `Bearer ${TOKEN}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...init.headers as Record<string, string>,
          },
        }),
    };
  }

  async function client(): Promise<[WorkerClient, number]> {
    const opened = open();
    const id = crypto.randomUUID();
    const ask = () => opened.send("/v1/models", undefined, { headers: { "x-request-id": id } });
    // The kernel may have assigned the connection to a worker that has just crashed.
    const response = await ask().catch((error) => {
      if (error instanceof TypeError) return ask();
      throw error;
    });
    // Cancelling could close the connection, and the next one could reach another worker.
    await response.bytes();
    const { worker } = JSON.parse(await program.logged(`"request_id":"${id}"`));
    return [opened, worker];
  }

  return {
    program,
    configPath: config.path,
    client,
    async clients() {
      const found: WorkerClient[] = [];
      // The kernel chooses the worker of a connection.
      await waitUntil("a connection to each worker", async () => {
        const [opened, worker] = await client();
        found[worker] ??= opened;
        return found[1] !== undefined && found[2] !== undefined;
      });
      return [found[1]!, found[2]!];
    },
    async [Symbol.asyncDispose]() {
      for (const pool of pools) pool.close();
      await program[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}
