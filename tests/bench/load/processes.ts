/**
 * The processes of a benchmark: upstream, floor and server, each pinned to a core if possible.
 *
 * @module
 */

/** A process that listens. */
export interface Running extends AsyncDisposable {
  port: number;
  /** Time from start to first answer in milliseconds. */
  startMs: number;
  /** CPU time so far in seconds, of child processes too, in steps of 10 ms. */
  cpu(): number;
  /** Resident memory in bytes. */
  memory(): number;
  /** Sent with each request. */
  headers?: Record<string, string>;
}

const ROOT = new URL("../../../", import.meta.url).pathname;
const TICKS = 100;
const MAX_START_MS = 120_000;

async function hasTaskset(): Promise<boolean> {
  try {
    return (await new Deno.Command("taskset", { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
const pinned = navigator.hardwareConcurrency > 1 && await hasTaskset();

/** Pins this process to a core other than that of the measured process. */
export async function pinSelf(core = 1): Promise<boolean> {
  if (!pinned) return false;
  const args = ["-a", "-c", "-p", String(core), String(Deno.pid)];
  return (await new Deno.Command("taskset", { args, stdout: "null" }).output()).success;
}

/** Uses a shell, because Deno needs all permissions for `/proc`. */
function procFile(pid: number, name: string): string {
  const { stdout } = new Deno.Command("sh", { args: ["-c", `cat /proc/${pid}/${name}`] })
    .outputSync();
  return new TextDecoder().decode(stdout);
}

/** Lists a process and all processes below it. */
function family(pid: number): number[] {
  const children = procFile(pid, "task/*/children").trim().split(/\s+/).filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

const start = (args: string[], cores: number | string): Promise<Running> =>
  startProgram(Deno.execPath(), args, cores);

/** @param port the port of a program that doesn't print it. */
export async function startProgram(
  program: string,
  args: string[],
  cores: number | string,
  port?: number,
): Promise<Running> {
  const [command = program, ...before] = pinned ? ["taskset", "-c", String(cores), program] : [];
  const begun = performance.now();
  const child = new Deno.Command(command, {
    args: [...before, ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    env: { O1_API_TOKEN: "", NO_COLOR: "1" },
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (port === undefined) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the process exited: ${args.join(" ")}\n${text}`);
    text += value;
    port = Number(/"port":(\d+)/.exec(text)?.[1] ?? /:(\d+)\/v1/.exec(text)?.[1]) || undefined;
  }
  if (!args.some((arg) => arg.endsWith("upstream.ts"))) {
    const end = begun + MAX_START_MS;
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      await response?.body?.cancel();
      if (response !== undefined) break;
      if (performance.now() > end) throw new Error(`${program} doesn't listen on port ${port}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const startMs = performance.now() - begun;
  // Reads the rest of the output, so that the process never blocks on it.
  const rest = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    port,
    startMs,
    cpu() {
      const ticks = family(child.pid).map((pid) => {
        const stat = procFile(pid, "stat");
        // User and system time, and those of child processes that have ended.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15);
        return fields.reduce((sum, field) => sum + Number(field), 0);
      });
      return ticks.reduce((sum, value) => sum + value, 0) / TICKS;
    },
    memory() {
      const status = procFile(child.pid, "status");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    },
    async [Symbol.asyncDispose]() {
      for (const pid of family(child.pid)) Deno.kill(pid, "SIGKILL");
      await child.status;
      await rest;
    },
  };
}

export function startUpstream(): Promise<Running> {
  return start(
    ["run", "--no-prompt", "--allow-net=127.0.0.1", "tests/bench/load/upstream.ts"],
    1,
  );
}

export function startFloor(upstream: number): Promise<Running> {
  const url = `http://127.0.0.1:${upstream}/v1`;
  return start(
    ["run", "--no-prompt", "--allow-net=127.0.0.1", "tests/bench/load/floor.ts", url],
    0,
  );
}

/** Starts a server without an upstream, to measure the start of the runtime itself. */
export function startEmpty(): Promise<Running> {
  return startFloor(1);
}

/** The server's only key, which has limits. */
export const TOKEN = "bench-token";

/**
 * Starts the server like `deno task start`, with the default settings and a key that has limits.
 *
 * @param cores cores that it may use, as for taskset.
 */
export async function startServer(
  upstream: number,
  workers = 1,
  cores: number | string = 0,
): Promise<Running> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const [, ...args] = (tasks.start as string).split(" ");
  // In a separate folder, because the server watches it.
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(TOKEN));
  const sha256 = new Uint8Array(hash).toHex();
  await Deno.writeTextFile(config, configOf(upstream, workers, sha256));
  const running = await start([...args, "--config", config, "--port", "0"], cores);
  return {
    ...running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A configuration with a model for each kind of answer. */
function configOf(upstream: number, workers: number, sha256: string): string {
  const model = (id: string, strategy: string, name: string, options = "{}") =>
    `  "${id}": { strategy: ${strategy}, upstream: bench, model: "${name}", options: ${options} }`;
  const direct = [
    "json",
    "stream-23",
    "bulk-1000",
    "bulk-100000",
    "paced-100-20",
    "paced-20-1000",
    "wait-100",
    "prompt",
  ];
  return `keys:
  - name: bench
    sha256: ${sha256}
    parallel: 20000
    rpm: 1000000
    tpm: 1000000000
    daily_tokens: 1000000000000
stream_status_feedback: false
store: memory
server: { workers: ${workers}, max_concurrent_requests: 20000 }
upstreams:
  bench:
    base_url: http://127.0.0.1:${upstream}/v1
    max_concurrency: 100000
models:
${direct.map((name) => model(name, "direct", name)).join("\n")}
${model("think-bulk", "think", "bulk-1000")}
${model("think-paced", "think", "paced-100-20")}
${model("think-prompt", "think", "prompt")}
${
    [100, 1000, 10000, 100000].map((n) =>
      model(`steps-${n}`, "steps", `step-${n}`, "{ min_steps: 1, max_steps: 1 }")
    ).join("\n")
  }
${
    [8, 16].map((n) =>
      model(`vote-${n}-wait`, "vote", "wait-100", `{ max_samples: ${n}, wave: ${n} }`)
    ).join("\n")
  }
${model("vote-8-paced", "vote", "paced-20-1000", "{ max_samples: 8, wave: 8 }")}
`;
}
