/**
 * Runs every strategy on 200 problems with `o1-api eval` in a process of its own, over a simulated
 * model that is right in 60 % of its samples (three wrong answers, a verifier with sensitivity 0.8
 * and specificity 0.9, aggregators that follow the most frequent candidate). Each upstream call goes
 * over HTTP and takes {@linkcode CALL_MS}. A second run with one question at a time measures latency;
 * there two answers of `vote-8` alternate, so that it waits for the seventh of its eight samples. A
 * third run compares votes with the majority of all samples that they could have asked for. Takes
 * about five minutes; exits with 1 if `vote-8` takes more than 1.2 times as long as one call.
 *
 * Run: deno run --no-prompt --unstable-no-legacy-abort --config tests/deno.json
 *   --allow-net=127.0.0.1 --allow-read --allow-write --allow-run --allow-env
 *   tests/bench/strategies.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Result } from "../../lib/eval/results.ts";
import { mean, pairedBootstrap, quantile } from "../../lib/eval/statistics.ts";
import { createRandom } from "../../lib/random.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { answerText, problemText, startSimulated } from "../support/simulated.ts";
import { textOf } from "../support/kinds.ts";
import { type Call, pieces, type Reply } from "../support/upstream.ts";

const PROBLEMS = 200;
const TIMED = 25;
const PAIRED = 4_000;
/** `max_samples` of the compared votes: the default at medium, high and xhigh effort. */
const BALLOTS = [8, 16, 24];
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
  fixed: ({ body }, nth) => body.model === "alternating" ? nth % 2 : undefined,
  more: timed,
});

/** Answers of the calls without delay, in their order, by model and problem. */
const answers = new Map<string, string[]>();

await using instant = startSimulated({
  p: 0.6,
  wrong: 3,
  seed: 2,
  more(call, { content }) {
    const answer = /FINAL: (\d+)/.exec(String(content));
    if (answer !== null) {
      const key = ballotKey(call);
      answers.set(key, [...answers.get(key) ?? [], answer[1]!]);
    }
    return {};
  },
});

function ballotKey(call: Call): string {
  return `${call.body.model} p${/Problem (\d+)/.exec(textOf(call))![1]}`;
}

const dir = await Deno.makeTempDir();
const [config, dataset] = [`${dir}/config.yaml`, `${dir}/problems.jsonl`];
const rows = Array.from({ length: PAIRED }, (_, i) => ({
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
    upstreams: {
      simulated: { base_url: upstream.url, max_concurrency: 256, price },
      instant: { base_url: instant.url, max_concurrency: 256, price },
    },
    models: {
      ...Object.fromEntries(STRATEGIES.map(entry)),
      "vote-8": {
        strategy: "vote",
        options: { wave: 8, max_samples: 8 },
        upstream: "simulated",
        model: "alternating",
      },
      ...Object.fromEntries(BALLOTS.map((samples) => [
        `of-${samples}`,
        {
          strategy: "vote",
          options: { max_samples: samples },
          upstream: "instant",
          model: `of-${samples}`,
        },
      ])),
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

/** Compares votes that stop early with the majority of all samples, for the same calls. */
async function compareVotes() {
  const models = BALLOTS.map((samples) => `of-${samples}`);
  const results = await evaluate("paired", ["--models", models.join(","), "--concurrency", "4"]);
  console.log("\nVotes, against all samples:\n");
  console.log(cells(["", "saved", "vote", "all", "difference", "95 % interval"]));
  const first = new Map(instant.calls.toReversed().map((call) => [ballotKey(call), call]));
  for (const samples of BALLOTS) {
    const own = results.filter(({ model }) => model === `of-${samples}`);
    const keys = own.map(({ id }) => `of-${samples} ${id}`);
    const asked = mean(keys.map((key) => answers.get(key)!.length))!;
    for (const key of keys) {
      while (answers.get(key)!.length < samples) {
        const body = JSON.stringify(first.get(key)!.body);
        const url = `${instant.url}/chat/completions`;
        await (await fetch(url, { method: "POST", body })).body?.cancel();
      }
    }
    const vote = own.map(({ correct }) => Number(correct));
    const all = own.map(({ id, gold }) =>
      Number(majority(answers.get(`of-${samples} ${id}`)!) === gold)
    );
    const [low, high] = pairedBootstrap(vote.map((right, i) => right - all[i]!), createRandom(1));
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    console.log(cells([
      `of ${samples}`,
      percent(1 - asked / samples),
      percent(mean(vote)!),
      percent(mean(all)!),
      (100 * (mean(vote)! - mean(all)!)).toFixed(2),
      `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)}`,
    ]));
  }
}

/** The most frequent answer; of equally frequent ones the first, as `vote` decides without a verdict. */
function majority(answers: readonly string[]): string {
  const votes = (answer: string) => answers.filter((other) => other === answer).length;
  return answers.reduce((best, answer) => votes(answer) > votes(best) ? answer : best);
}

const median = (values: number[]) => quantile(values, 0.5)!;
const cells = (row: readonly string[]) =>
  row.map((cell, i) => i === 0 ? cell.padEnd(8) : cell.padStart(15)).join("");

try {
  const all = ["--models", STRATEGIES.join(","), "--limit", String(PROBLEMS), "--concurrency", "4"];
  await evaluate("all", all);
  const long = ["--models", MODELS.join(","), "--limit", String(TIMED), "--concurrency", "1"];
  console.log("\nOne question at a time:\n");
  const results = await evaluate("timed", long);
  const callMs = median(
    spans.filter(({ model }) => model === "direct").map((span) => span.end - span.start),
  );
  console.log(`\none upstream call: ${callMs.toFixed(0)} ms (${CALL_MS} by its timers)\n`);
  console.log(cells(["", "calls", "whole", "critical path", "wall p50", "of one call"]));
  const wallOf = (model: string) =>
    median(
      results.filter((result) => result.model === model)
        .map(({ measured }) => measured!.latency_ms),
    );
  const direct = wallOf("direct");
  for (const model of MODELS) {
    const name = model === "vote-8" ? "alternating" : model;
    const own = results.filter((result) => result.model === model);
    const calls = own.map(({ id }) =>
      spans.filter((span) => span.model === name && `p${span.problem}` === id)
    );
    const average = (count: (spans: Span[]) => number) => mean(calls.map(count))!.toFixed(1);
    const wall = wallOf(model);
    console.log(cells([
      model,
      average((spans) => spans.length),
      average((spans) => spans.filter(({ isWhole }) => isWhole).length),
      average(criticalPath),
      `${wall.toFixed(0)} ms`,
      (wall / direct).toFixed(2),
    ]));
  }
  const share = wallOf("vote-8") / direct;
  console.log(`\neight samples of one wave take ${share.toFixed(2)} times as long as one call`);
  if (share > 1.2) Deno.exitCode = 1;
  await compareVotes();
} finally {
  await Deno.remove(dir, { recursive: true });
}
