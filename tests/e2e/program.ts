/**
 * The program as a process of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** The folder of main.ts. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The permissions of the `start` task. */
export const PERMISSIONS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-env",
];

/** A running server process. */
export interface Program extends AsyncDisposable {
  /** Its URL, ending in /v1. */
  url: string;
  /** The start-up facts that it logged. */
  facts: Record<string, string>;
  /** Resolves when a line with this text has been logged, now or before. */
  logged(text: string): Promise<string>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** Its exit code, once it has ended, and all that it wrote. */
  ended: Promise<{ code: number; output: string }>;
}

/** What a process is started with. */
export interface ProgramOptions {
  /** Arguments after main.ts. */
  args?: string[];
  /** Variables of the environment. */
  env?: Record<string, string>;
  /** The executable and what stands before main.ts. */
  command?: { path: string; args: string[] };
  /** The current folder. */
  cwd?: string;
}

/** The environment that downloads and temporary files need, and nothing else of this one. */
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

/** Runs the program to its end. */
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

/** Starts the server on a free port and waits until it listens. */
export async function startProgram(
  options: ProgramOptions = {},
): Promise<Program> {
  const child = commandOf({
    ...options,
    args: ["--port", "0", ...options.args ?? []],
  }).spawn();
  const listening = Promise.withResolvers<Record<string, string>>();
  const stderr = new Response(child.stderr).text();
  const lines: string[] = [];
  const awaited = new Set<{ text: string; resolve: (line: string) => void }>();
  const stdout = readLines(child.stdout, (line) => {
    lines.push(line);
    for (const each of awaited) {
      if (!line.includes(each.text)) continue;
      awaited.delete(each);
      each.resolve(line);
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
    listening.reject(new Error(`ended with ${code}: ${out}${err}`));
    return { code, output: out + err };
  })();
  const facts = await listening.promise;
  return {
    url: facts.url!,
    facts,
    logged(text) {
      const line = lines.find((each) => each.includes(text));
      if (line !== undefined) return Promise.resolve(line);
      return new Promise((resolve) => awaited.add({ text, resolve }));
    },
    kill: (signal) => child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
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

/** Writes a configuration into a new folder. */
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
