import { freePort } from "../port.ts";
import { reasonWithout } from "../skip.ts";
import { waitFor } from "../wait.ts";

export interface RedisServer extends AsyncDisposable {
  url: string;
  /** On 127.0.0.1. */
  port: number;
  /** Sends SIGSTOP, SIGCONT or SIGKILL. */
  kill(signal: Deno.Signal): Promise<void>;
}

/** Why tests with Redis are skipped, or undefined if they run. */
export const NO_REDIS = reasonWithout("redis-server");

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Additional command line arguments. */
  args?: string[] | (() => string[]);
  /** Text in the output that says that it is ready. */
  ready?: string;
  /** Listens with TLS only. */
  tls?: boolean;
}

/** Starts Redis. Another program may take a free port at any moment: then it tries another. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let tries = 1;; tries++) {
    try {
      return await start(options);
    } catch (error) {
      const isTaken = `${error}`.includes("Address already in use");
      if (!isTaken || options.port !== undefined || tries === 5) throw error;
    }
  }
}

async function start(
  { port = freePort(), args = [], ready = "Ready to accept connections", tls = false }:
    RedisServerOptions,
): Promise<RedisServer> {
  const listen = tls ? ["--port", "0", "--tls-port", `${port}`] : ["--port", `${port}`];
  const more = typeof args === "function" ? args() : args;
  const child = new Deno.Command("redis-server", {
    args: [...more, "--bind", "127.0.0.1", ...listen, "--save", ""],
    stdout: "piped",
    stderr: "null",
    stdin: "null",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  while (!log.includes(ready)) {
    const { value, done } = await waitFor("redis-server to listen", output.read());
    if (done) await child.status;
    if (done) throw new Error(`redis-server did not start:\n${log}`);
    log += value;
  }
  const drained = (async () => {
    while (!(await output.read()).done);
  })();
  let ended = false;
  const kill = async (signal: Deno.Signal) => {
    child.kill(signal);
    if (signal !== "SIGKILL") return;
    ended = true;
    await child.status;
    await drained;
  };
  return {
    url: `redis${tls ? "s" : ""}://127.0.0.1:${port}`,
    port,
    kill,
    [Symbol.asyncDispose]: async () => {
      if (!ended) await kill("SIGKILL");
    },
  };
}
