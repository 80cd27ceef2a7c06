/**
 * Many requests at once, each under a fault of its own.
 *
 * @module
 */
import { FAULTS } from "./faults/all.ts";
import type { Fault, Mode, Strategy } from "./faults/fault.ts";
import { type FaultyUpstream, startFaultyUpstream } from "./faulty_upstream.ts";
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
 * Faults that can be mixed: light ones, under the server's usual settings, and none whose end
 * hangs on a time limit, which a storm on a busy machine would stretch.
 */
export const MIX: readonly Fault[] = FAULTS.filter(({ heavy, server, upstream }) =>
  !heavy && server === undefined && upstream?.timeouts === undefined
);

/** A storm that can be let loose. */
export interface Storm extends AsyncDisposable {
  /** Sends so many requests, and gives what was wrong with their ends. */
  run(requests: number, seed: number): Promise<string[]>;
  /** Resolves when no upstream socket and no work is left. */
  settle(): Promise<void>;
}

const AT_ONCE = 50;

/** A small generator of random numbers from 0 to 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Starts a product with an upstream and two models for each fault. */
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
    // A second upstream that had become the first would change what a fault comes to.
    const settings = { ...fault.upstream, breaker: { min_calls: 1_000_000 } };
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
  const product = await startProduct({ upstreams: configured, models });

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
          const own = createProgress();
          progress.set(job.question, own);
          await runJob(product, own, job).catch((error) => {
            const { name } = MIX[job!.index]!;
            failures.push(
              `${name} (${job!.strategy}, ${job!.mode}): ${error.message.slice(0, 100)}`,
            );
          });
          progress.delete(job.question);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
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
