/** The load balancers of `deploy/`, on loopback. */
import { freePort } from "../../support/port.ts";
import { ROOT } from "../../support/program.ts";
import { waitUntil } from "../../support/wait.ts";

export interface Balancer extends AsyncDisposable {
  /** Ends in /v1. */
  url: string;
}

export type BalancerKind = "haproxy" | "nginx";

/**
 * Starts a balancer with its file in `deploy/`, in which only the addresses are replaced.
 *
 * @param ports of three servers on 127.0.0.1.
 * @param edit changes the file further.
 */
export async function startBalancer(
  kind: BalancerKind,
  ports: readonly number[],
  edit = (text: string) => text,
): Promise<Balancer> {
  const port = freePort();
  const folder = await Deno.makeTempDir();
  const extension = kind === "haproxy" ? "cfg" : "conf";
  const file = `${folder}/${kind}.${extension}`;
  const text = edit(await Deno.readTextFile(`${ROOT}deploy/${kind}.${extension}`))
    .replace(/10\.0\.0\.(\d):18888/g, (_, number) => `127.0.0.1:${ports[number - 1]}`)
    .replace("bind :80", `bind 127.0.0.1:${port}`)
    .replace("listen 80", `listen 127.0.0.1:${port}`)
    // A check of a busy machine may take longer than the time between two of them.
    .replace(/timeout connect .*/, "timeout connect 60s\n  timeout check 60s")
    // Debian's nginx writes to folders of root.
    .replace("http {", (line) => `${line}\n  access_log off;\n${temporaryPaths(folder)}`);
  await Deno.writeTextFile(file, text);
  const args = kind === "haproxy"
    ? ["-db", "-f", file]
    : ["-c", file, "-e", "stderr", "-g", `daemon off; master_process off; pid ${folder}/pid;`];
  const child = new Deno.Command(kind, {
    args,
    // Debian installs both where only root looks for programs.
    env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin` },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let exited: Deno.CommandStatus | undefined;
  const ended = child.status.then((status) => exited = status);
  const errors = new Response(child.stderr).text();
  await waitUntil(`${kind} to listen`, async () => {
    if (exited !== undefined) throw new Error(`${kind} exited: ${await errors}`);
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return false;
    }
  });
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async [Symbol.asyncDispose]() {
      if (exited === undefined) child.kill("SIGKILL");
      await ended;
      await errors;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function temporaryPaths(folder: string): string {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/${name};\n`).join("");
}
