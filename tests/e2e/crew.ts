/**
 * The program with two workers, and clients that know which of them they talk to.
 *
 * @module
 */
import { PERMISSIONS, type Program, ROOT, startProgram, writeConfig } from "./program.ts";

/** The token that it takes. */
export const TOKEN = "a-token-of-its-own";

/** A client whose connection stays with one worker. */
export interface WorkerClient {
  /** Sends a request; one at a time stays on the connection. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
}

/** A running program with two workers. */
export interface Crew extends AsyncDisposable {
  /** The program. */
  program: Program;
  /** Where its configuration lies. */
  configPath: string;
  /** A new client for each worker, by its number. */
  clients(): Promise<[WorkerClient, WorkerClient]>;
  /** A client of whichever worker gets it, and its worker's number. */
  client(): Promise<[WorkerClient, number]>;
}

/** What the program is started with. */
export interface CrewOptions {
  /** The upstream's base URL. */
  upstream: string;
  /** More of config.yaml. */
  yaml?: string;
  /** More settings of the upstream. */
  settings?: string;
  /** More arguments for deno. */
  deno?: string[];
}

/** The configuration of a program with two workers. */
export const crewYaml = (
  { upstream, yaml = "store: memory", settings = "max_concurrency: 64" }: CrewOptions,
): string => `
api_bearer_token: "${TOKEN}"
upstreams: { s: { base_url: "${upstream}", ${settings} } }
models: { m: { strategy: direct, upstream: s, model: m } }
server: { host: 127.0.0.1, workers: 2 }
${yaml}
`;

/** The program where event loops may share a port. */
export const crewCommand = (more: string[] = []): { path: string; args: string[] } => ({
  path: Deno.execPath(),
  args: ["run", ...PERMISSIONS, "--allow-write", "--unstable-net", ...more, `${ROOT}main.ts`],
});

/** Starts it. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const config = await writeConfig(crewYaml(options));
  const program = await startProgram({
    command: crewCommand(options.deno),
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
    const one = open();
    const id = crypto.randomUUID();
    const ask = () => one.send("/v1/models", undefined, { headers: { "x-request-id": id } });
    // The kernel may have given the connection to a worker that just ended: clients connect again.
    const response = await ask().catch((error) => {
      if (error instanceof TypeError) return ask();
      throw error;
    });
    // Read, not cancelled: that could close the connection, and the next may be another worker's.
    await response.bytes();
    const { worker } = JSON.parse(await program.logged(`"request_id":"${id}"`));
    return [one, worker];
  }

  return {
    program,
    configPath: config.path,
    client,
    async clients() {
      const found: WorkerClient[] = [];
      // The kernel chooses, as at random.
      while (found[1] === undefined || found[2] === undefined) {
        const [one, worker] = await client();
        found[worker] ??= one;
      }
      return [found[1], found[2]];
    },
    async [Symbol.asyncDispose]() {
      for (const pool of pools) pool.close();
      await program[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}
