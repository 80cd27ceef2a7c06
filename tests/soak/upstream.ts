/**
 * A provider that fails in every usual way, and keeps its own books of what it was asked and what
 * it reported.
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
} from "../chaos/faults/answers.ts";
import {
  close,
  type FaultyCall,
  type FaultyUpstream,
  hang,
  reset,
  type Script,
  startFaultyUpstream,
} from "../chaos/faulty_upstream.ts";

/** Tokens of some calls. */
export interface Tokens {
  /** Prompt tokens. */
  input: number;
  /** Those of them that came from a cache. */
  cached: number;
  /** Generated tokens. */
  output: number;
}

/** What the upstream knows of one client request. */
export interface Asked extends Tokens {
  /** Calls that came. */
  calls: number;
}

/** The upstream and its books. */
export interface SoakUpstream extends AsyncDisposable {
  /** The base URL of a provider's name, ending in /v1. */
  url(provider: string): string;
  /** By the number of the client request; tokens are those that went out to the caller. */
  requests: ReadonlyMap<string, Asked>;
  /** Calls by provider. */
  calls: Readonly<Record<string, number>>;
  /** Calls by what was done to them. */
  played: Readonly<Record<string, number>>;
  /** Calls in progress. */
  readonly open: number;
}

/** How an upstream behaves. */
export interface UpstreamBehaviour {
  /** The source of chance. */
  random: () => number;
  /** The share of calls that fail, 0 to 1. */
  faults: number;
  /** The longest wait between two pieces of a stream, in milliseconds. */
  paceMs: number;
}

/** The mark that tells which client request a call belongs to. */
export const mark = (request: string) => `[r${request}]`;

/** A call's client request: the last mark, as earlier ones are of turns before. */
function requestOf({ body }: FaultyCall): string {
  return [...JSON.stringify(body.messages).matchAll(/\[r(\d+)\]/g)].at(-1)?.[1] ?? "?";
}

/** What a model says, in pieces. */
function textOf(call: FaultyCall): string[] {
  const model = String(call.body.model);
  if (model === "steps") return halves(call);
  if (model === "think") {
    return ["<think>Two and two", " make four.</think>", "The answer", " is 4."];
  }
  if (model === "vote") return ["Two and two make four.\n", "FINAL: 4"];
  return ["The answer", " is", " 4", "."];
}

/** Starts the upstream. */
export function startSoakUpstream({ random, faults, paceMs }: UpstreamBehaviour): SoakUpstream {
  const requests = new Map<string, Asked>();
  const calls: Record<string, number> = {};
  const played: Record<string, number> = {};

  function play(call: FaultyCall): Script {
    const request = requestOf(call);
    const asked = requests.get(request) ?? { calls: 0, input: 0, cached: 0, output: 0 };
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
    // Where a connection that was used before ends without an answer, the runtime itself may send
    // the call again, and the server never knows of the first.
    const kind = drawn === "reset" && call.nth > 0 ? "hang-up" : drawn;
    played[kind] = (played[kind] ?? 0) + 1;
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
    // Counts come with the first words, as some providers send them with every piece, so that
    // both sides know them however the call ends.
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
  // The books are kept here; the calls themselves would fill the memory.
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

/** What goes wrong, the commoner ones more than once. */
const FAULTS = [
  ...["500", "500", "500", "503", "503", "429", "429", "429", "429 for long"],
  ...["reset", "reset", "cut", "cut", "cut", "silence", "stall"],
] as const;
