/**
 * A real Redis for a test.
 *
 * @module
 */
import { delimiter, join } from "node:path";

/** A running Redis. */
export interface RedisServer extends AsyncDisposable {
  /** Its URL. */
  url: string;
  /** Its port on 127.0.0.1. */
  port: number;
  /** Stops and continues it, or ends it. */
  kill(signal: Deno.Signal): Promise<void>;
}

/** Why tests with Redis are left out, or undefined where they run. */
export const NO_REDIS: string | undefined = isOnPath("redis-server")
  ? undefined
  : "skipped: there is no redis-server on this machine's PATH";

if (NO_REDIS) console.log(NO_REDIS);

function isOnPath(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(delimiter).some((dir) => {
    try {
      return Deno.statSync(join(dir, name)).isFile;
    } catch {
      return false;
    }
  });
}

/** Starts Redis on `port`, or on a free one, with further arguments of its command line. */
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
    const { value, done } = await output.read();
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

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
