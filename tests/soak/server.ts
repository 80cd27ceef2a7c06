/**
 * The tested server: process, configuration, log, sockets and metrics.
 *
 * @module
 */
import { cleanEnv, ROOT } from "../support/program.ts";
import { sha256 } from "../support/sha256.ts";
import { parseScrape, type Scrape } from "../support/parsers/scrape.ts";
import type { Usage } from "./probe.ts";
import type { SoakUpstream } from "./upstream.ts";

/** Client keys: two with budgets that are never reached, and one that always exceeds its limits. */
export const KEYS = { calm: "sk-soak-calm", wild: "sk-soak-wild", tight: "sk-soak-tight" } as const;

export const STRATEGIES = ["direct", "think", "steps", "vote"] as const;

/** USD per million tokens. */
export const PRICE = { input: 2.5, cached_input: 1.25, output: 10 } as const;

/** The logged fields of a request. */
export interface LogLine {
  /** 499 if the client disconnected. */
  status: number;
  /** `ok`, `error` or `cancelled`. */
  outcome: string;
  /** Prompt tokens, if logged. */
  input: number | undefined;
  output: number | undefined;
}

export interface SoakServer {
  /** Ends in /v1. */
  url: string;
  /** Logged requests by id. */
  requests: ReadonlyMap<string, LogLine[]>;
  /** Number of upstream calls that timed out, by the id of their request. */
  timeouts: ReadonlyMap<string, number>;
  /** Unexpected warnings and errors. */
  complaints: string[];
  /** Number of logged lines that contain the text. */
  count(text: string): number;
  /** Timers and memory after a garbage collection. */
  usage(): Promise<Usage>;
  /** Number of open sockets. */
  sockets(): Promise<number>;
  kill(signal: Deno.Signal): void;
  /** Resolves with the exit code. */
  ended: Promise<number>;
}

/** Parts of warnings and errors that the soak provokes. */
const EXPECTED = [
  "was not reloaded",
  "An upstream call failed",
  "Another upstream is called instead",
  "An upstream failed too often and is skipped",
  "An upstream answers again",
];

const BUDGET = "daily_tokens: 1000000000, daily_usd: 100000";

/** @param turn makes each configuration different. */
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
  const models = (["calm", "wild"] as const).flatMap((lane) =>
    STRATEGIES.map((strategy) =>
      `  ${lane}-${strategy}: { strategy: ${strategy}, upstream: [${lane}, spare], model: ${strategy}, options: ${
        strategy === "vote" ? VOTE_OPTIONS[lane] : OPTIONS[strategy]
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

const OPTIONS = { direct: "{}", think: "{}", steps: "{ min_steps: 2, max_steps: 3 }" } as const;

/**
 * Two equal votes of three decide. A third sample that runs is then cancelled, and its tokens are
 * estimated. So that the tokens of calm clients are exact, theirs starts only if it is needed.
 */
const VOTE_OPTIONS = {
  calm: "{ wave: 2, max_samples: 3 }",
  wild: "{ wave: 3, max_samples: 3 }",
} as const;

/** Starts the server like the `start` task, with the probe, in the folder of its configuration. */
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
  const timeouts = new Map<string, number>();
  const complaints: string[] = [];
  const others: string[] = [];
  let probed: PromiseWithResolvers<Usage> | undefined;
  const reading = readLines(child.stdout, (text) => {
    const line = JSON.parse(text);
    if (line.usage !== undefined) return probed?.resolve(line.usage);
    // Lines about upstream calls have a request's id but no outcome.
    if (line.outcome !== undefined) {
      const lines = requests.get(line.request_id) ?? [];
      const { status, outcome, prompt_tokens: input, completion_tokens: output } = line;
      requests.set(line.request_id, [...lines, { status, outcome, input, output }]);
      // A cause is logged only for unexpected errors.
      if (line.cause !== undefined) complaints.push(text);
      return;
    }
    if (line.cause === "upstream_timeout") {
      timeouts.set(line.request_id, (timeouts.get(line.request_id) ?? 0) + 1);
    }
    others.push(line.message);
    if (line.url !== undefined) listening.resolve(line.url);
    const isExpected = EXPECTED.some((text) => String(line.message).includes(text));
    if (line.level !== "info" && !isExpected) complaints.push(text);
  });
  const ended = (async () => {
    const { code } = await child.status;
    await reading;
    listening.reject(new Error(`the server exited with ${code}`));
    probed?.reject(new Error(`the server exited with ${code}`));
    return code;
  })();
  return {
    url: await listening.promise,
    requests,
    timeouts,
    complaints,
    count: (text) => others.filter((line) => line.includes(text)).length,
    usage() {
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

/** Counts the open sockets of a process with `ls`, because Deno needs all permissions for `/proc`. */
async function sockets(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ls", { args: ["-l", `/proc/${pid}/fd`] }).output();
  return new TextDecoder().decode(stdout).split("socket:").length - 1;
}

/** Scrapes the metrics over a new connection. */
export async function scrape(port: number): Promise<Scrape> {
  using client = Deno.createHttpClient({});
  return parseScrape(await (await fetch(`http://127.0.0.1:${port}/metrics`, { client })).text());
}
