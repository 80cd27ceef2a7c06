/**
 * Compares samples of one call with a call for each, by what `upstreams.<name>.use_n` decides.
 *
 * @module
 */
import type { Clock } from "../../lib/clock.ts";
import { quantile } from "../../lib/eval/statistics.ts";
import { createUpstreamClient, type RequestScope } from "../../lib/upstream/client.ts";
import type { Target, UpstreamRequest } from "../../lib/upstream/target.ts";

const SAMPLES = 4;
const TOKENS = 24;
/** Lengths of prompts, in words; llama.cpp reads about four tokens for each. */
const LENGTHS = [20, 100];
const RUNS = 5;
const OWNER = "real";

export interface SamplesOptions {
  target: Target;
  clock: Clock;
  random: () => number;
  fetch: typeof fetch;
  signal: AbortSignal;
}

/** Medians of several runs. */
export interface SamplesRow {
  /** Tokens of one prompt. */
  prompt: number;
  /** Whether the same prompt was sent before. */
  isWarm: boolean;
  singleMs: number;
  jointMs: number;
}

/** Throws if the samples of one call are incomplete or equal. */
export async function compareSamples(options: SamplesOptions): Promise<SamplesRow[]> {
  const rows: SamplesRow[] = [];
  for (const length of LENGTHS) {
    for (const isWarm of [false, true]) {
      const times: Record<"single" | "joint", number[]> = { single: [], joint: [] };
      let prompt = 0;
      for (let run = 0; run < RUNS; run++) {
        for (
          const way of run % 2 === 0 ? ["single", "joint"] as const : ["joint", "single"] as const
        ) {
          const question = questionOf(length, options.random);
          const isJoint = way === "joint";
          // Twice, so that every slot of the server has seen it.
          for (let i = 0; isWarm && i < 2; i++) await ask(question, isJoint, options);
          const start = options.clock.now();
          prompt = await ask(question, isJoint, options);
          times[way].push(options.clock.now() - start);
        }
      }
      const [singleMs, jointMs] = [times.single, times.joint].map((ms) => quantile(ms, 0.5)!);
      rows.push({ prompt, isWarm, singleMs: singleMs!, jointMs: jointMs! });
    }
  }
  return rows;
}

/** A question that begins with words of its own, so that no other one has cached its beginning. */
function questionOf(length: number, random: () => number): string {
  const word = () => random().toString(36).slice(2, 8);
  const items = Array.from({ length }, (_, i) => `item ${i}`).join(" ");
  return `${word()} ${word()}: ${items}. Tell me about one of them.`;
}

/** Makes all samples; returns the tokens of one prompt. */
async function ask(
  question: string,
  isJoint: boolean,
  { target, clock, random, fetch, signal }: SamplesOptions,
): Promise<number> {
  const client = createUpstreamClient({ clock, random, fetch });
  const messages = [{ role: "user", content: question }];
  let prompt = 0;
  const wave = isJoint ? { size: SAMPLES } : undefined;
  const request: UpstreamRequest = {
    messages,
    stream: true,
    maxTokens: TOKENS,
    fields: { temperature: 1 },
    wave,
  };
  const scope: RequestScope = {
    conversation: { owner: OWNER, messages },
    capabilities: client.capabilitiesFor(OWNER),
    signal,
    retries: { left: 0 },
    deadline: Infinity,
    onUsage: (usage) => prompt = usage.prompt,
  };
  const texts = await Promise.all(Array.from({ length: SAMPLES }, async () => {
    let text = "";
    for await (const { content = "", usage } of client.call([target], request, scope)) {
      text += content;
      prompt = usage?.prompt ?? prompt;
    }
    return text;
  }));
  if (isJoint && wave?.size !== SAMPLES) throw new Error("the upstream does not support n");
  if (texts.includes("") || new Set(texts).size === 1) {
    throw new Error(`the samples are incomplete or equal: ${JSON.stringify(texts)}`);
  }
  return prompt;
}
