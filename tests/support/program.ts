/**
 * The program as a separate process.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { waitFor } from "./wait.ts";

/** Folder of main.ts. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Permissions of the `start` task, without write access. */
export const PERMISSIONS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-env",
];

export interface Program extends AsyncDisposable {
  /** Ends in /v1. */
  url: string;
  /** Fields of the line that the server logs when it listens. */
  facts: Record<string, string>;
  /** Resolves with the first logged line that contains the text. */
  logged(text: string): Promise<string>;
  kill(signal: Deno.Signal): void;
  pid: number;
  /** Resolves with the exit code and the whole output. */
  readonly ended: Promise<{ code: number; output: string }>;
}

export interface ProgramOptions {
  /** Arguments after main.ts. */
  args?: string[];
  /** Environment variables. */
  env?: Record<string, string>;
  /** The executable and the arguments up to main.ts. */
  command?: { path: string; args: string[] };
  cwd?: string;
  /** If true, the configuration sets the port. Default: any free one. */
  hasPort?: boolean;
}

/** The variables that downloads and temporary files need, and no others of this process. */
export function cleanEnv(
  env: Record<string, string> = {},
): Record<string, string> {
  const kept = [
    "PATH",
    "HOME",
    "DENO_DIR",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "DENO_TLS_CA_STORE",
    "DENO_CERT",
    "NPM_CONFIG_REGISTRY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
  ];
  const own = kept.map((name) => [name, Deno.env.get(name)] as const)
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(own), NO_COLOR: "1", ...env };
}

/**
 * Copies a program in another process. The system refuses to run a file ("Text file busy") that a
 * process has open for writing, and children that other tests start inherit what this one writes.
 */
export async function copyProgram(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: [from, to] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function commandOf(options: ProgramOptions): Deno.Command {
  const { path, args } = options.command ??
    { path: Deno.execPath(), args: ["run", ...PERMISSIONS, `${ROOT}main.ts`] };
  return new Deno.Command(path, {
    args: [...args, ...options.args ?? []],
    env: cleanEnv(options.env),
    clearEnv: true,
    cwd: options.cwd ?? ROOT,
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
  });
}

/** Runs the program until it exits. */
export async function runProgram(
  options: ProgramOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await commandOf(options).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Starts the server on a free port. Resolves when it listens. */
export async function startProgram(
  options: ProgramOptions = {},
): Promise<Program> {
  const child = commandOf({
    ...options,
    args: [...(options.hasPort ? [] : ["--port", "0"]), ...options.args ?? []],
  }).spawn();
  const listening = Promise.withResolvers<Record<string, string>>();
  const stderr = new Response(child.stderr).text();
  const lines: string[] = [];
  const awaited = new Set<{ text: string; resolve: (line: string) => void }>();
  const stdout = readLines(child.stdout, (line) => {
    lines.push(line);
    for (const wait of awaited) {
      if (!line.includes(wait.text)) continue;
      awaited.delete(wait);
      wait.resolve(line);
    }
    if (line.includes('"message":"o1-api listens')) {
      listening.resolve(JSON.parse(line));
    }
    const inText = /^o1-api listens on (\S+)$/.exec(line)?.[1];
    if (inText !== undefined) listening.resolve({ url: inText });
  });
  const ended = (async () => {
    const [{ code }, out, err] = await Promise.all([
      child.status,
      stdout,
      stderr,
    ]);
    listening.reject(new Error(`exited with ${code}: ${out}${err}`));
    return { code, output: out + err };
  })();
  const facts = await waitFor("the server to listen", listening.promise);
  return {
    url: facts.url!,
    facts,
    logged(text) {
      const line = lines.find((logged) => logged.includes(text));
      if (line !== undefined) return Promise.resolve(line);
      return waitFor(
        `a logged line with ${text}`,
        new Promise((resolve) => awaited.add({ text, resolve })),
      );
    },
    kill: (signal) => child.kill(signal),
    pid: child.pid,
    get ended() {
      return waitFor("the program to exit", ended);
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has already exited.
      }
      await ended;
    },
  };
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<string> {
  let all = "";
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    all += text;
    rest += text;
    const lines = rest.split("\n");
    rest = lines.pop()!;
    lines.forEach(onLine);
  }
  return all;
}

/** Writes a configuration to a new temporary folder. */
export async function writeConfig(
  yaml: string,
): Promise<{ path: string } & AsyncDisposable> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/config.yaml`;
  await Deno.writeTextFile(path, yaml);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}
