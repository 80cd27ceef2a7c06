import { type Program, ROOT, startProgram, writeConfig } from "../../support/program.ts";
import type { ServerUse } from "./watch.ts";

export interface AttackedServer extends AsyncDisposable {
  program: Program;
  /** Without `/v1`. */
  origin: string;
  /** Port for raw connections to 127.0.0.1. */
  port: number;
  /**
   * What the main thread has used so far. Collects garbage.
   *
   * @param options.reset whether the next use counts stalls from now on
   */
  use(options?: { reset: boolean }): Promise<ServerUse>;
}

export interface AttackedServerOptions {
  /** config.yaml. */
  yaml: string;
  env?: Record<string, string>;
  /** Limit of open file descriptors. */
  maxFiles?: number;
}

const WATCH = new URL("./watch.ts", import.meta.url).href;

/** Starts main.ts as the task `start` does, in a process of its own that is watched. */
export async function startAttackedServer(
  { yaml, env, maxFiles }: AttackedServerOptions,
): Promise<AttackedServer> {
  const config = await writeConfig(yaml);
  const run = [
    "run",
    "--no-prompt",
    "--v8-flags=--min-semi-space-size=16,--expose-gc",
    "--unstable-no-legacy-abort",
    "--unstable-net",
    "--unstable-worker-options",
    "--allow-net",
    "--allow-read",
    "--allow-env",
    `--allow-write=${config.path.slice(0, config.path.lastIndexOf("/"))}`,
    `--preload=${WATCH}`,
    `${ROOT}main.ts`,
  ];
  const command = maxFiles === undefined ? { path: Deno.execPath(), args: run } : {
    path: "sh",
    args: ["-c", `ulimit -n ${maxFiles} && exec "$0" "$@"`, Deno.execPath(), ...run],
  };
  const program = await startProgram({
    command,
    args: ["--config", config.path],
    ...(env === undefined ? {} : { env }),
  });
  const { watch } = JSON.parse(await program.logged('{"watch":'));
  const origin = program.url.replace("/v1", "");
  return {
    program,
    origin,
    port: Number(new URL(origin).port),
    async use({ reset } = { reset: false }) {
      const response = await fetch(`http://127.0.0.1:${watch}/${reset ? "reset" : ""}`);
      return await response.json();
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}
