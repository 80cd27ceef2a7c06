/**
 * Many concurrent requests, each with a fault.
 *
 * @module
 */
import { createRandom } from "../../lib/random.ts";
import { FAULTS } from "./faults/all.ts";
import type { Fault, Mode, Strategy } from "./faults/fault.ts";
import { type FaultyUpstream, startFaultyUpstream } from "../support/faulty/upstream.ts";
import {
  checkEnding,
  createProgress,
  modelOver,
  type Product,
  type Progress,
  readAnswer,
  startProduct,
  urlFor,
} from "./harness.ts";

/**
 * Faults that can be mixed: light ones with the default settings of the server, and none that
 * depends on a time limit, which a busy machine would exceed.
 */
export const MIX: readonly Fault[] = FAULTS.filter(({ heavy, server, upstream }) =>
  !heavy && server === undefined && upstream?.timeouts === undefined
);

export interface Storm extends AsyncDisposable {
  /** Sends requests and returns those that did not end as expected. */
  run(requests: number, seed: number): Promise<string[]>;
  /** Resolves when no upstream call is left. */
  settle(): Promise<void>;
}

const CONCURRENCY = 50;

/** Longer than a request takes among many others on a busy machine. */
const LIMIT_MS = 300_000;
const TIMEOUTS = {
  headers_ms: LIMIT_MS,
  first_token_ms: LIMIT_MS,
  idle_ms: LIMIT_MS,
  total_ms: LIMIT_MS,
};

/** Starts a server with an upstream and two models for each fault. */
export async function startStorm(): Promise<Storm> {
  const progress = new Map<string, Progress>();
  const upstreams: FaultyUpstream[] = [];
  const configured: Parameters<typeof startProduct>[0]["upstreams"] = {};
  const models: Record<string, object> = {};

  function start(play: Fault["play"]): FaultyUpstream {
    const upstream = startFaultyUpstream({
      play: (call) => play(call),
      seen: (text, call) => progress.get(questionOf(call.body))?.seen(text) ?? Promise.resolve(),
    });
    upstreams.push(upstream);
    return upstream;
  }

  MIX.forEach((fault, i) => {
    // An open breaker would change the order of the upstreams, and so the outcomes.
    const settings = {
      ...fault.upstream,
      breaker: { min_calls: 1_000_000 },
      timeouts: TIMEOUTS,
    };
    const names = [`first-${i}`];
    configured[names[0]!] = { url: urlFor(fault, start(fault.play)), settings };
    if (fault.second !== undefined) {
      names.push(`second-${i}`);
      configured[names[1]!] = { url: start(fault.second).url, settings };
    }
    for (const strategy of ["direct", "steps"] as const) {
      models[`${strategy}-${i}`] = modelOver(strategy, names);
    }
  });
  const product = await startProduct({
    upstreams: configured,
    models,
    server: {
      commit_after_ms: LIMIT_MS,
      request_timeout_ms: LIMIT_MS,
      stream_timeout_ms: LIMIT_MS,
    },
  });

  return {
    async run(requests, seed) {
      const random = createRandom(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
      const jobs = Array.from({ length: requests }, (_, i) => ({
        question: `Request ${seed}-${i}?`,
        index: Math.floor(random() * MIX.length),
        strategy: pick<Strategy>(["direct", "steps"]),
        mode: pick<Mode>(["stream", "json"]),
      }));
      const failures: string[] = [];
      const worker = async () => {
        for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
          const jobProgress = createProgress();
          progress.set(job.question, jobProgress);
          await runJob(product, jobProgress, job).catch((error) => {
            const { name } = MIX[job!.index]!;
            failures.push(
              `${name} (${job!.strategy}, ${job!.mode}): ${error.message.slice(0, 100)}`,
            );
          });
          progress.delete(job.question);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, worker));
      product.lines.length = 0;
      return failures;
    },
    async settle() {
      await Promise.all(upstreams.map((upstream) => upstream.idle()));
      for (const upstream of upstreams) upstream.forget();
    },
    async [Symbol.asyncDispose]() {
      await product.app.drain(0);
      await product[Symbol.asyncDispose]();
      for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
    },
  };
}

function questionOf(body: { messages: { role: string; content: string }[] }): string {
  return body.messages.find(({ role }) => role === "user")?.content ?? "";
}

interface Job {
  question: string;
  index: number;
  strategy: Strategy;
  mode: Mode;
}

async function runJob(product: Product, progress: Progress, job: Job): Promise<void> {
  const { strategy, mode, question, index } = job;
  const response = await product.ask(`${strategy}-${index}`, mode, { question });
  const text = await readAnswer(response, progress);
  checkEnding(MIX[index]!.outcomes[strategy][mode], strategy, mode, response, text);
}
