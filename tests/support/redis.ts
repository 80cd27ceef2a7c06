import { freePort } from "./port.ts";
import { reasonWithout } from "./skip.ts";
import { waitFor } from "./wait.ts";

export interface RedisServer extends AsyncDisposable {
  url: string;
  /** On 127.0.0.1. */
  port: number;
  /** Sends SIGSTOP, SIGCONT or SIGKILL. */
  kill(signal: Deno.Signal): Promise<void>;
}

/** Why tests with Redis are skipped, or undefined if they run. */
export const NO_REDIS = reasonWithout("redis-server");

/** Starts Redis on `port`, by default a free one, with additional command line arguments. */
export async function startRedis(
  { port = freePort(), args = [] }: { port?: number; args?: string[] } = {},
): Promise<RedisServer> {
  const child = new Deno.Command("redis-server", {
    args: ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", ...args],
    stdout: "piped",
    stderr: "null",
    stdin: "null",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  while (!log.includes("Ready to accept connections")) {
    const { value, done } = await waitFor("redis-server to listen", output.read());
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
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    [Symbol.asyncDispose]: async () => {
      if (!ended) await kill("SIGKILL");
    },
  };
}
