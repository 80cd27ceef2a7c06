import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { parseEvalFlags } from "../../lib/cli/eval.ts";
import type { Result } from "../../lib/eval/results.ts";
import { type Outcome, runSession } from "../../lib/eval/session.ts";
import { configuredTarget, remoteTarget } from "../../lib/eval/target.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Call } from "../support/upstream.ts";

/** A temporary folder for comparisons over a scripted upstream. */
export interface Bench extends AsyncDisposable {
  dir: string;
  /** Paths in the folder. */
  config: string;
  dataset: string;
  out: string;
  run(args: string[], options?: RunOptions): Promise<Outcome>;
  results(): Promise<Result[]>;
  /** Texts written to the terminal. */
  shown: string[];
  /** Estimates of the cost, one for each run with known prices. */
  estimates: string[];
}

interface RunOptions {
  signal?: AbortSignal;
  remote?: boolean;
  /** Whether to accept the estimated cost. */
  approve?: boolean;
}

/** The problems are "What is 1 + 1?", "What is 2 + 1?" and so on. */
export async function createBench(upstream: string, problems = 6): Promise<Bench> {
  const dir = await Deno.makeTempDir();
  const [dataset, out, config] = ["sums.jsonl", "out.jsonl", "config.yaml"].map((name) =>
    `${dir}/${name}`
  ) as [string, string, string];
  const rows = Array.from(
    { length: problems },
    (_, i) => JSON.stringify({ id: `p${i + 1}`, question: sum(i + 1), answer: i + 2 }),
  );
  await Deno.writeTextFile(dataset, rows.join("\n"));
  const yaml = `
keys: [{ name: alice, sha256: "${"a".repeat(64)}", rpm: 1 }]
limits: { rpm: 1 }
upstreams:
  scripted:
    base_url: ${upstream}
    api_key: secret-4711
    retry: { max_attempts: 1, base_ms: 1, max_ms: 2 }
    price: { input: 1, output: 2 }
models:
  plain: { strategy: direct, upstream: scripted, model: plain-model, format: markdown }
  other: { strategy: direct, upstream: scripted, model: other-model }
  judge: { strategy: direct, upstream: scripted, model: judge-model }
`;
  await Deno.writeTextFile(config, yaml);
  const shown: string[] = [];
  const estimates: string[] = [];
  const env = () => undefined;
  const parsed = await parseConfig(yaml, {
    file: config,
    env,
    readFile: () => Promise.reject(new Error("no file")),
  });
  // The system's clock may stand still for 1 ms, in which a fast machine gives an answer.
  const clock = { ...systemClock, now: () => performance.now() };
  const needs = { clock, random: () => 0 };
  return {
    dir,
    config,
    dataset,
    out,
    shown,
    estimates,
    async run(
      args,
      { signal = new AbortController().signal, remote = false, approve = true } = {},
    ) {
      const place = remote ? ["--url", upstream] : [];
      const flags = parseEvalFlags(["--dataset", dataset, ...place, ...args]);
      return await runSession({
        ...needs,
        flags,
        target: remote
          ? remoteTarget(upstream, "k")
          : configuredTarget({ ...needs, config: resolveConfig(parsed, { env }), fetch }),
        signal,
        terminal: { isTerminal: false, columns: 80, write: (text) => shown.push(text) },
        approve: (estimate) => {
          estimates.push(estimate);
          return approve;
        },
      });
    },
    async results() {
      const text = await Deno.readTextFile(out);
      return text.trimEnd().split("\n").map((line) => JSON.parse(line));
    },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

function sum(n: number): string {
  return `What is ${n} + 1?`;
}

/** Returns the right answer to the question in a call. */
export function rightAnswer({ body }: Call): string {
  const [, n] = /What is (\d+) \+ 1/.exec(JSON.stringify(body.messages)) ?? [];
  return String(Number(n) + 1);
}
