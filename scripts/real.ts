#!/usr/bin/env -S deno run --frozen --no-prompt --config tests/deno.json --allow-net=127.0.0.1 --allow-read --allow-write=dist --allow-env --allow-run
/**
 * Compares all strategies on a real model of 135 million parameters, which pip fetches, and samples
 * of one call with a call for each. Sends varied requests to each strategy. Exits with 1 if a
 * strategy fails where a plain call succeeds, or if the time was too short for all requests.
 * Compared answers are kept in dist/real; the same command continues with them.
 *
 * Run: scripts/real.ts [--problems 50] [--seed 1] [--minutes 300] [--threads 2] [--gsm8k FILE]
 *
 * Only varied requests, or those whose names have a word: scripts/real.ts --smoke [--only WORD]
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../lib/clock.ts";
import { parseConfig } from "../lib/config/load.ts";
import { upstreamOptions } from "../lib/config/schema/upstream.ts";
import { resolveConfig } from "../lib/config/resolve.ts";
import { readEvalFlags } from "../lib/eval/flags.ts";
import { summarize } from "../lib/eval/report/summary.ts";
import { renderTable } from "../lib/eval/report/table.ts";
import { runSession } from "../lib/eval/session.ts";
import { configuredTarget, type Target } from "../lib/eval/target.ts";
import { strategies } from "../lib/reasoning/strategies/mod.ts";
import { MAX_CALL_TOKENS, MODEL, startLlama } from "./real/llama.ts";
import { problemRows, SETS } from "./real/problems.ts";
import { REQUESTS } from "./real/requests.ts";
import { compareSamples } from "./real/samples.ts";
import { smoke } from "./real/smoke.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const CACHE = `${ROOT}dist/real`;
/** Many, because one pass over the weights serves all of them. */
const SLOTS = 12;
const PATIENCE_MS = 3_600_000;
/** The baseline first. */
const MODELS = ["direct", ...Object.keys(strategies).filter((name) => name !== "direct")];

const { values: given } = parseArgs({
  options: {
    problems: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "300" },
    threads: { type: "string", default: String(navigator.hardwareConcurrency) },
    gsm8k: { type: "string", default: `${ROOT}../shared/data/gsm8k-test.jsonl` },
    smoke: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => interrupt.abort());
}
const signal = AbortSignal.any([
  interrupt.signal,
  AbortSignal.timeout(Number(given.minutes) * 60_000),
]);

await Deno.mkdir(CACHE, { recursive: true });
await using llama = await startLlama(CACHE, { threads: Number(given.threads), slots: SLOTS });
const target = await targetOf(llama.baseUrl);
if (!given.smoke) {
  await compareCalls(llama.baseUrl);
  await compare(target);
}
await smokeTest(target);

/** Publishes a model for each strategy, with default options. */
async function targetOf(baseUrl: string): Promise<Target> {
  // A busy machine may take minutes for a long prompt.
  const yaml = `
server: { request_timeout_ms: ${PATIENCE_MS}, stream_timeout_ms: ${PATIENCE_MS} }
upstreams:
  llama:
    base_url: "${baseUrl}"
    max_concurrency: ${SLOTS}
    timeouts:
      headers_ms: ${PATIENCE_MS}
      first_token_ms: ${PATIENCE_MS}
      idle_ms: ${PATIENCE_MS}
      total_ms: ${PATIENCE_MS}
models:
${
    MODELS.map((name) => `  ${name}: { strategy: ${name}, upstream: llama, model: ${MODEL} }`).join(
      "\n",
    )
  }
`;
  const env = () => undefined;
  const readFile = () => Promise.reject(new Error("no file"));
  const parsed = await parseConfig(yaml, { file: "config.yaml", env, readFile });
  const config = resolveConfig(parsed, { env });
  return configuredTarget({ config, clock: systemClock, random: Math.random, fetch });
}

/** Prints what samples in one call cost and save. */
async function compareCalls(baseUrl: string): Promise<void> {
  const upstream = upstreamOptions.parse({ base_url: baseUrl });
  const rows = await compareSamples({
    target: { name: "llama", upstream, model: MODEL },
    clock: systemClock,
    random: Math.random,
    fetch,
    signal,
  });
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  for (const { prompt, isWarm, singleMs, jointMs } of rows) {
    console.log(
      `Four samples, ${prompt} tokens, ${isWarm ? "warm" : "cold"}: ` +
        `${seconds(singleMs)} as four calls, ${seconds(jointMs)} as one`,
    );
  }
}

async function compare(target: Target): Promise<void> {
  const gsm8k = await Deno.readTextFile(given.gsm8k).catch(() => undefined);
  if (gsm8k === undefined) console.error(`GSM8K is skipped: ${given.gsm8k} can't be read.`);
  const rows = problemRows(Number(given.problems), Number(given.seed), gsm8k);
  const dataset = `${CACHE}/problems.jsonl`;
  await Deno.writeTextFile(dataset, rows.map((row) => JSON.stringify(row)).join("\n"));
  const flags = readEvalFlags({
    models: MODELS.join(","),
    dataset,
    concurrency: String(SLOTS),
    out: `${CACHE}/results-${given.seed}.jsonl`,
    report: `${CACHE}/report.html`,
  }, []);
  const { results, summaries, finished, total } = await runSession({
    flags,
    target,
    clock: systemClock,
    random: Math.random,
    signal,
    terminal: {
      isTerminal: false,
      columns: 80,
      write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
    },
    approve: () => true,
  });
  console.log(
    `${finished} of ${total} questions were answered, with at most ${MAX_CALL_TOKENS} tokens a call.\n`,
  );
  console.log(renderTable(summaries, flags.baseline));
  for (const set of SETS) {
    const own = summarize(results.filter(({ id }) => id.startsWith(set)), flags);
    const cells = own.map(({ model, correct, asked }) => `${model} ${correct}/${asked}`);
    console.log(`\n${set}: ${cells.join(", ")}`);
  }
}

async function smokeTest({ baseUrl, apiKey, send }: Target): Promise<void> {
  const { answered, skipped, failures } = await smoke({
    send: (body) =>
      send(
        new Request(`${baseUrl}/chat/completions`, {
          method: "POST",
          headers: { "authorization": `Bearer ${apiKey}`, "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      ),
    models: MODELS,
    requests: Object.fromEntries(
      Object.entries(REQUESTS).filter(([name]) => name.includes(given.only)),
    ),
    // Longer texts of this model show nothing more.
    common: { max_tokens: 48, reasoning_effort: "low" },
    onProgress: ({ answered, failures }) =>
      console.error(`${answered} answers, ${failures.length} failures`),
    signal,
  });
  console.log(`\nSmoke test: ${answered} answers, ${failures.length} failures`);
  for (const line of skipped) console.log(`skipped, because a plain call fails too: ${line}`);
  for (const line of failures) console.log(`FAILED: ${line}`);
  if (signal.aborted) console.log("The time was too short for all requests.");
  if (failures.length > 0 || signal.aborted) Deno.exitCode = 1;
}
