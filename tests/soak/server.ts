/**
 * The server under soak: its process, its configuration, its log, and what the system and
 * `/metrics` say of it.
 *
 * @module
 */
import { cleanEnv, ROOT } from "../e2e/program.ts";
import { parseScrape, type Scrape } from "../server/telemetry/scrape.ts";
import type { Held } from "./probe.ts";
import type { SoakUpstream } from "./upstream.ts";

/** The clients: two with budgets that are never reached, and one that is always over its limits. */
export const KEYS = { calm: "sk-soak-calm", wild: "sk-soak-wild", tight: "sk-soak-tight" } as const;

/** The strategies. */
export const STRATEGIES = ["direct", "think", "steps", "vote"] as const;

/** USD per million tokens. */
export const PRICE = { input: 2.5, cached_input: 1.25, output: 10 } as const;

/** What the log says of one request. */
export interface LogLine {
  /** The HTTP status, 499 for a client that left. */
  status: number;
  /** `ok`, `error` or `cancelled`. */
  outcome: string;
  /** Prompt tokens, where it tells of any. */
  input: number | undefined;
  /** Generated tokens. */
  output: number | undefined;
}

/** A running server. */
export interface SoakServer {
  /** Its URL, ending in /v1. */
  url: string;
  /** The lines about requests, by the request's id. */
  requests: ReadonlyMap<string, LogLine[]>;
  /** Other lines that are worse than info. */
  complaints: string[];
  /** How often a line with this text was logged. */
  count(text: string): number;
  /** What it holds, after a collection of garbage. */
  held(): Promise<Held>;
  /** Its open sockets. */
  sockets(): Promise<number>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** Its exit code, once it has ended. */
  ended: Promise<number>;
}

const BUDGET = "daily_tokens: 1000000000, daily_usd: 100000";

/** The configuration; `turn` makes one differ from the next. */
export async function configText(
  upstream: SoakUpstream,
  metricsPort: number,
  turn = 0,
): Promise<string> {
  const keys = await Promise.all(
    Object.entries(KEYS).map(async ([name, key]) => {
      const limits = name === "tight" ? "rpm: 60, parallel: 2" : "rpm: 1000000";
      return `  - { name: ${name}, sha256: ${await sha256(key)}, ${limits}, ${BUDGET} }`;
    }),
  );
  const provider = (name: string) =>
    `  ${name}: { base_url: "${upstream.url(name)}", price: ${JSON.stringify(PRICE)},
    max_concurrency: ${60 + turn % 5},
    timeouts: { headers_ms: 3000, first_token_ms: 3000, idle_ms: 3000, total_ms: 8000 },
    retry: { base_ms: 20, max_ms: 1000 } }`;
  const models = ["calm", "wild"].flatMap((lane) =>
    STRATEGIES.map((strategy) =>
      `  ${lane}-${strategy}: { strategy: ${strategy}, upstream: [${lane}, spare], model: ${strategy}, options: ${
        OPTIONS[strategy]
      } }`
    )
  );
  return `api_bearer_token: "soak-owner-token"
store: sqlite
log: { format: json }
metrics: { port: ${metricsPort} }
server: { host: 127.0.0.1, heartbeat_ms: 1000, shutdown_grace_ms: 10000, max_background: 200 }
keys:
${keys.join("\n")}
upstreams:
${["calm", "wild", "spare"].map(provider).join("\n")}
models:
${models.join("\n")}
  turn-${turn}: { strategy: direct, upstream: spare, model: direct }
`;
}

/** All three samples are needed, so that none is left in the middle. */
const OPTIONS: Record<typeof STRATEGIES[number], string> = {
  direct: "{}",
  think: "{}",
  steps: "{ min_steps: 2, max_steps: 3 }",
  vote: "{ wave: 3, max_samples: 3 }",
};

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** A port that is free now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Starts the server as the `start` task does, with a probe, in the folder of its configuration. */
export async function startServer(folder: string): Promise<SoakServer> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const command = (tasks.start as string).replace(" main.ts", ` ${ROOT}main.ts`);
  const [, run = "", ...args] = command.split(" ");
  const probe = ["--v8-flags=--expose-gc", `--preload=${ROOT}tests/soak/probe.ts`];
  const child = new Deno.Command(Deno.execPath(), {
    args: [run, ...probe, ...args, "--config", `${folder}/config.yaml`, "--port", "0"],
    cwd: folder,
    env: cleanEnv(),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const listening = Promise.withResolvers<string>();
  const requests = new Map<string, LogLine[]>();
  const complaints: string[] = [];
  const others: string[] = [];
  let probed: PromiseWithResolvers<Held> | undefined;
  const reading = readLines(child.stdout, (text) => {
    const line = JSON.parse(text);
    if (line.held !== undefined) return probed?.resolve(line.held);
    if (line.request_id !== undefined) {
      const lines = requests.get(line.request_id) ?? [];
      const { status, outcome, prompt_tokens: input, completion_tokens: output } = line;
      requests.set(line.request_id, [...lines, { status, outcome, input, output }]);
      // Only of an error that nobody foresaw the cause is told.
      if (line.cause !== undefined) complaints.push(text);
      return;
    }
    others.push(line.message);
    if (line.url !== undefined) listening.resolve(line.url);
    const isExpected = String(line.message).includes("was not reloaded");
    if (line.level !== "info" && !isExpected) complaints.push(text);
  });
  const ended = (async () => {
    const { code } = await child.status;
    await reading;
    listening.reject(new Error(`the server ended with ${code}`));
    probed?.reject(new Error(`the server ended with ${code}`));
    return code;
  })();
  return {
    url: await listening.promise,
    requests,
    complaints,
    count: (text) => others.filter((line) => line.includes(text)).length,
    held() {
      probed = Promise.withResolvers();
      child.kill("SIGUSR2");
      return probed.promise;
    },
    sockets: () => sockets(child.pid),
    kill: (signal) => child.kill(signal),
    ended,
  };
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.filter((line) => line !== "").forEach(onLine);
  }
}

/** Open sockets of a process; Deno reads `/proc` itself only where it may do everything. */
async function sockets(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ls", { args: ["-l", `/proc/${pid}/fd`] }).output();
  return new TextDecoder().decode(stdout).split("socket:").length - 1;
}

/** Scrapes the metrics; the connection does not stay. */
export async function scrape(port: number): Promise<Scrape> {
  using client = Deno.createHttpClient({});
  return parseScrape(await (await fetch(`http://127.0.0.1:${port}/metrics`, { client })).text());
}
