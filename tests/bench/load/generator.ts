/**
 * Load that a fast server can't outrun: Debian's `wrk` where it is installed. The sockets of
 * `client.ts`, which are used otherwise, send about 4,300 requests a second at most.
 *
 * @module
 */
import { load } from "./client.ts";

/** Whether `wrk` is installed. */
export const hasWrk = await new Deno.Command("wrk", { stdout: "null", stderr: "null" }).output()
  .then(() => true, () => false);

export interface LoadOptions {
  connections: number;
  ms: number;
}

/**
 * Sends requests over several connections, each as soon as the last is answered.
 *
 * @returns the answers per second.
 * @throws if a request fails.
 */
export async function saturate(
  port: number,
  request: Uint8Array,
  { connections, ms }: LoadOptions,
): Promise<number> {
  if (!hasWrk) return (await load(port, request, { connections, ms })).rate;
  const [head = "", body] = new TextDecoder().decode(request).split("\r\n\r\n");
  const headers = head.split("\r\n").slice(1).map((line) => line.split(": "))
    // wrk adds its own.
    .filter(([name]) => name !== "host" && name !== "content-length")
    .map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`);
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  await Deno.writeTextFile(
    script,
    `wrk.method = "POST"\nwrk.body = [[${body}]]\n${headers.join("")}`,
  );
  const seconds = Math.max(1, Math.round(ms / 1000));
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  const time = [`-d${seconds}s`, "--timeout", `${seconds + 60}s`];
  const args = ["-t1", `-c${connections}`, ...time, "-s", script, url];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  await Deno.remove(script);
  const text = new TextDecoder().decode(stdout);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return Number(rate);
}
