/**
 * Runs every strategy on 200 problems with `o1-api eval` in a process of its own, over a simulated
 * model that is right in 60 % of its samples (three wrong answers, a verifier with sensitivity 0.8
 * and specificity 0.9, aggregators that follow the most frequent candidate). Each upstream call goes
 * over HTTP and takes {@linkcode CALL_MS}. A second run with one question at a time measures latency;
 * there the eight samples of `vote-8` are tied, so that it waits for all of them. Takes about three
 * minutes; exits with 1 if `vote-8` takes more than 1.2 times as long as one call.
 *
 * Run: deno run --no-prompt --unstable-no-legacy-abort --config tests/deno.json
 *   --allow-net=127.0.0.1 --allow-read --allow-write --allow-run --allow-env
 *   tests/bench/strategies.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Result } from "../../lib/eval/results.ts";
import { quantile } from "../../lib/eval/statistics.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { answerText, problemText, startSimulated } from "../support/simulated.ts";
import { textOf } from "../support/kinds.ts";
import { type Call, pieces, type Reply } from "../support/upstream.ts";

const PROBLEMS = 200;
const TIMED = 25;
const FIRST_MS = 50;
const TOKEN_MS = 5;
const TOKENS = 12;
const CALL_MS = FIRST_MS + (TOKENS - 1) * TOKEN_MS;
const STRATEGIES = Object.keys(strategies);
const MODELS = [...STRATEGIES, "vote-8"];

/** When a call began and when its last token was sent, in milliseconds. */
interface Span {
  model: string;
  problem: number;
  start: number;
  end: number;
  isWhole: boolean;
}

let spans: Span[] = [];
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends any text as {@linkcode TOKENS} tokens, each after its delay. */
function timed(call: Call, { content }: Reply): Reply {
  const text = String(content);
  const tokens = pieces(text, Math.ceil(text.length / TOKENS));
  const now = performance.now();
  const problem = Number(/Problem (\d+)/.exec(textOf(call))![1]);
  const span = { model: call.body.model, problem, start: now, end: now, isWhole: false };
  spans.push(span);
  return {
    content: tokens,
    usage: { prompt_tokens: textOf(call).length >> 2, completion_tokens: TOKENS },
    async gate(frame) {
      const due = frame === 0 ? 0 : FIRST_MS + (Math.min(frame, TOKENS) - 1) * TOKEN_MS;
      const left = span.start + due - performance.now();
      if (left > 0) await wait(left);
      span.end = performance.now();
      span.isWhole = frame >= tokens.length;
    },
  };
}

/** An aborted call, such as a reasoner's, notices a token or two later. */
const LEAVING_MS = 2 * TOKEN_MS;

/** The number of calls in sequence: the largest set in which no two calls overlap. */
function criticalPath(calls: readonly Span[]): number {
  let length = 0;
  let over = -Infinity;
  for (const { start, end } of calls.toSorted((a, b) => a.end - b.end)) {
    if (start < over - LEAVING_MS) continue;
    over = end;
    length++;
  }
  return length;
}

await using upstream = startSimulated({
  p: 0.6,
  wrong: 3,
  verifier: { sensitivity: 0.8, specificity: 0.9 },
  seed: 1,
  fixed: ({ body }, nth) => body.model === "tied" ? nth % 4 : undefined,
  more: timed,
});

const dir = await Deno.makeTempDir();
const [config, dataset] = [`${dir}/config.yaml`, `${dir}/problems.jsonl`];
const rows = Array.from({ length: PROBLEMS }, (_, i) => ({
  id: `p${i}`,
  question: problemText(i),
  answer: answerText(i, 0),
}));
await Deno.writeTextFile(dataset, rows.map((row) => JSON.stringify(row)).join("\n"));
const price = { input: 0.5, output: 2 };
const entry = (
  strategy: string,
) => [strategy, { strategy, upstream: "simulated", model: strategy }];
await Deno.writeTextFile(
  config,
  JSON.stringify({
    api_bearer_token: "bench-4711",
    upstreams: { simulated: { base_url: upstream.url, max_concurrency: 256, price } },
    models: {
      ...Object.fromEntries(STRATEGIES.map(entry)),
      "vote-8": {
        strategy: "vote",
        options: { wave: 8, max_samples: 8 },
        upstream: "simulated",
        model: "tied",
      },
    },
  }),
);

/** Runs `o1-api eval`, whose table is printed. */
async function evaluate(name: string, more: string[]): Promise<Result[]> {
  spans = [];
  const out = `${dir}/${name}.jsonl`;
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const permissions = [
    "--no-prompt",
    "--allow-net",
    "--allow-read",
    "--allow-env",
    "--allow-write",
  ];
  const files = ["--config", config, "--dataset", dataset, "--out", out];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, main, "eval", ...files, ...more],
    stdout: "inherit",
    stderr: "null",
  }).spawn().status;
  if (code !== 0) throw new Error(`o1-api eval ended with ${code}`);
  const text = await Deno.readTextFile(out);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const median = (values: number[]) => quantile(values, 0.5)!;
const cells = (row: readonly string[]) =>
  row.map((cell, i) => i === 0 ? cell.padEnd(8) : cell.padStart(15)).join("");

try {
  await evaluate("all", ["--models", STRATEGIES.join(","), "--concurrency", "4"]);
  const long = ["--models", MODELS.join(","), "--limit", String(TIMED), "--concurrency", "1"];
  console.log("\nOne question at a time:\n");
  const results = await evaluate("timed", long);
  const callMs = median(
    spans.filter(({ model }) => model === "direct").map((span) => span.end - span.start),
  );
  console.log(`\none upstream call: ${callMs.toFixed(0)} ms (${CALL_MS} by its timers)\n`);
  console.log(cells(["", "calls", "whole", "critical path", "wall p50", "of one call"]));
  const walls = new Map<string, number>();
  for (const model of MODELS) {
    const name = model === "vote-8" ? "tied" : model;
    const own = results.filter((result) => result.model === model);
    const calls = own.map(({ id }) =>
      spans.filter((span) => span.model === name && `p${span.problem}` === id)
    );
    const mean = (count: (spans: Span[]) => number) =>
      (calls.reduce((sum, spans) => sum + count(spans), 0) / calls.length).toFixed(1);
    const wall = median(own.map(({ measured }) => measured!.latency_ms));
    walls.set(model, wall);
    console.log(cells([
      model,
      mean((spans) => spans.length),
      mean((spans) => spans.filter(({ isWhole }) => isWhole).length),
      mean(criticalPath),
      `${wall.toFixed(0)} ms`,
      (wall / walls.get("direct")!).toFixed(2),
    ]));
  }
  const share = walls.get("vote-8")! / walls.get("direct")!;
  console.log(`\neight samples of one wave take ${share.toFixed(2)} times as long as one call`);
  if (share > 1.2) Deno.exitCode = 1;
} finally {
  await Deno.remove(dir, { recursive: true });
}
