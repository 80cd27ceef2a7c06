/**
 * A copy of the project, with a shell to run documented commands as a new user would.
 *
 * @module
 */
import { cleanEnv, copyProgram, ROOT } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A copy of the project in its own folder. */
export interface Checkout extends AsyncDisposable {
  dir: string;
  /** Runs a command line in the folder. */
  run(commandLine: string): Promise<Outcome>;
  /** Runs a command line that starts the server, which gets a free port. */
  serve(commandLine: string): Promise<RunningServer>;
}

export interface RunningServer extends AsyncDisposable {
  /** On 127.0.0.1. */
  port: number;
}

/** Replaces npx, so that tests need no network: it runs the current Deno, whatever the version. */
const NPX = `#!/bin/sh
case "$1 $2" in
  "-y deno@"*) shift 2; exec deno "$@" ;;
  *) echo "npx is not given: $*" >&2; exit 64 ;;
esac
`;

/** The name that docs/getting-started.md gives to the program. */
const PROGRAM = `#!/bin/sh
exec deno task -q start "$@"
`;

export async function createCheckout(): Promise<Checkout> {
  const dir = await Deno.makeTempDir();
  for (const name of ["main.ts", "deno.json", "deno.lock", "config.yaml", "lib"]) {
    await copy(`${ROOT}${name}`, `${dir}/${name}`);
  }
  const bin = `${dir}/bin`;
  await Deno.mkdir(bin);
  for (const [name, script] of [["npx", NPX], ["o1-api", PROGRAM]]) {
    await Deno.writeTextFile(`${dir}/${name}`, script!, { mode: 0o755 });
    await copyProgram(`${dir}/${name}`, `${bin}/${name}`);
  }
  await Deno.symlink(Deno.execPath(), `${bin}/deno`);
  const env = cleanEnv({ PORT: "0", PATH: `${bin}:${Deno.env.get("PATH")}` });
  const shell = (commandLine: string) =>
    new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", commandLine],
      cwd: dir,
      env,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  return {
    dir,
    async run(commandLine) {
      const { code, stdout, stderr } = await shell(commandLine).output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    serve: (commandLine) => listening(shell(commandLine).spawn()),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

async function listening(child: Deno.ChildProcess): Promise<RunningServer> {
  const stderr = new Response(child.stderr).text();
  const listens = Promise.withResolvers<number>();
  const read = (async () => {
    let log = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      log += text;
      const [, port] = /o1-api listens on http:\/\/127\.0\.0\.1:(\d+)\/v1/.exec(log) ?? [];
      if (port !== undefined) listens.resolve(Number(port));
    }
    listens.reject(new Error(`the server ended: ${log}${await stderr}`));
  })();
  const port = await waitFor("the server to listen", listens.promise);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.all([child.status, read, stderr]);
    },
  };
}

async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
