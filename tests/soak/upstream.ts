/**
 * A provider that fails in every usual way and records its calls and the tokens it reports.
 *
 * @module
 */
import {
  body,
  chunk,
  completion,
  DONE,
  end,
  failure,
  finishChunk,
  halves,
  head,
  piece,
  raw,
} from "../support/faulty/answers.ts";
import {
  close,
  type FaultyCall,
  type FaultyUpstream,
  hang,
  reset,
  type Script,
  startFaultyUpstream,
} from "../support/faulty/upstream.ts";

export interface Tokens {
  input: number;
  /** Part of `input`. */
  cached: number;
  output: number;
}

/** The calls of one client request. */
export interface Asked extends Tokens {
  calls: number;
  /** Number of calls whose answer never ends. */
  hanging: number;
}

export const UNASKED: Asked = { calls: 0, hanging: 0, input: 0, cached: 0, output: 0 };

export interface SoakUpstream extends AsyncDisposable {
  /** Base URL of a provider, ending in /v1. */
  url(provider: string): string;
  /** By the number of the client request. Tokens are those that were sent to the caller. */
  requests: ReadonlyMap<string, Asked>;
  /** Number of calls by provider. */
  calls: Readonly<Record<string, number>>;
  /** Number of calls by the kind of answer. */
  played: Readonly<Record<string, number>>;
  /** Calls in progress. */
  readonly open: number;
}

export interface UpstreamBehaviour {
  /** Returns a number in [0, 1). */
  random: () => number;
  /** Fraction of calls that fail. */
  faults: number;
  /** Longest delay between two chunks of a stream, in milliseconds. */
  paceMs: number;
}

/** Marks a text with its client request. */
export const mark = (request: string) => `[r${request}]`;

/** Returns the client request of a call: the last mark, because earlier marks are of earlier turns. */
function requestOf({ body }: FaultyCall): string {
  return [...JSON.stringify(body.messages).matchAll(/\[r(\d+)\]/g)].at(-1)?.[1] ?? "?";
}

/** Chunks of the text. */
function textOf(call: FaultyCall): string[] {
  const model = String(call.body.model);
  if (model === "steps") return halves(call);
  if (model === "think") {
    return ["<think>Two and two", " make four.</think>", "The answer", " is 4."];
  }
  if (model === "vote") return ["Two and two make four.\n", "FINAL: 4"];
  return ["The answer", " is", " 4", "."];
}

export function startSoakUpstream({ random, faults, paceMs }: UpstreamBehaviour): SoakUpstream {
  const requests = new Map<string, Asked>();
  const calls: Record<string, number> = {};
  const played: Record<string, number> = {};

  function play(call: FaultyCall): Script {
    const request = requestOf(call);
    const asked = requests.get(request) ?? { ...UNASKED };
    requests.set(request, asked);
    asked.calls++;
    const input = 10 + Math.floor(random() * 50);
    const tokens = {
      input,
      cached: Math.floor(random() * input),
      output: 5 + Math.floor(random() * 40),
    };
    const usage = {
      prompt_tokens: tokens.input,
      completion_tokens: tokens.output,
      total_tokens: tokens.input + tokens.output,
      prompt_tokens_details: { cached_tokens: tokens.cached },
    };
    const reported = () => {
      asked.input += tokens.input;
      asked.cached += tokens.cached;
      asked.output += tokens.output;
    };
    const drawn = random() < faults ? FAULTS[Math.floor(random() * FAULTS.length)]! : "healthy";
    // If a reused connection is reset before an answer, the runtime itself may repeat the call, and
    // the server does not know of the first one.
    const kind = drawn === "reset" && call.nth > 0 ? "hang-up" : drawn;
    played[kind] = (played[kind] ?? 0) + 1;
    if (kind === "silence" || kind === "stall") asked.hanging++;
    const provider = call.path.split("/")[2] ?? "?";
    calls[provider] = (calls[provider] ?? 0) + 1;
    const pause = () => {
      const ms = Math.floor(random() * paceMs);
      return ms === 0 ? [] : [(wire: { wait(ms: number): Promise<void> }) => wire.wait(ms)];
    };
    switch (kind) {
      case "500":
      case "503":
        return [...failure(Number(kind))];
      case "429":
        return [...failure(429, undefined, { "retry-after-ms": "150" })];
      case "429 for long":
        return [...failure(429, undefined, { "retry-after": "20" })];
      case "reset":
        return [reset];
      case "hang-up":
        return [head(), close];
      case "silence":
        return [hang];
    }
    const texts = textOf(call);
    if (!call.stream) {
      const whole = { ...completion(texts.join("")), usage };
      const text = JSON.stringify(whole);
      if (kind === "cut") {
        return [head({ framing: "close" }), raw(text.slice(0, text.length / 2)), close];
      }
      if (kind === "stall") return [head(), piece(text.slice(0, text.length / 2)), hang];
      return [...pause(), ...body(whole), reported];
    }
    // Usage is sent with the first chunk, as some providers do with every chunk, so that both sides
    // know it even if the call fails later.
    const [first = "", ...rest] = texts;
    const begun: Script = [
      ...pause(),
      head({ framing: kind === "cut" ? "close" : "chunked" }),
      ...(kind === "cut"
        ? [raw(`data: ${JSON.stringify(chunk({ content: first }, null, { usage }))}\n\n`)]
        : [piece(chunk({ content: first }, null, { usage }))]),
      reported,
    ];
    if (kind === "cut") return [...begun, ...pause(), close];
    if (kind === "stall") return [...begun, hang];
    return [
      ...begun,
      ...rest.flatMap((content) => [...pause(), piece(chunk({ content }))]),
      piece(finishChunk),
      piece(DONE),
      end,
    ];
  }

  const upstream: FaultyUpstream = startFaultyUpstream({ play });
  // Only counts are kept, because the calls would fill the memory.
  const forgetting = setInterval(() => upstream.forget(), 5_000);
  return {
    url: (provider) => upstream.url.replace(/v1$/, `v1/${provider}/v1`),
    requests,
    calls,
    played,
    get open() {
      return upstream.open;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(forgetting);
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Kinds of faults; common ones are listed more than once. */
const FAULTS = [
  ...["500", "500", "500", "503", "503", "429", "429", "429", "429 for long"],
  ...["reset", "reset", "cut", "cut", "cut", "silence", "stall"],
] as const;
