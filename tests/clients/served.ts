/**
 * The server on a socket, over a scripted upstream, as real clients meet it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../support/app.ts";
import {
  type Call,
  isThinking,
  pieces,
  type Reply,
  startUpstream,
  step,
  type Upstream,
} from "../support/upstream.ts";

/** The published models of these tests: one that thinks in steps, one that passes through. */
export const MODELS = ["o1", "plain"] as const;

/** A published model. */
export type ModelId = typeof MODELS[number];

/** What everybody asks. */
export const QUESTION = "What is 2 + 2?";

/** What the upstream answers. */
export const ANSWER = "The answer is 4.";

const STEPS: readonly [title: string, content: string, next?: string][] = [
  ["Understand", "Add two and two."],
  ["Compute", "2 + 2 = 4."],
  ["Check", "Counting on: 3, 4.", "final_answer"],
];

/** What both models show as their thinking. */
export const REASONING = STEPS.map(([title, content]) => `**${title}**\n\n${content}\n\n`).join("");

/** The same as the parts of a Responses summary. */
export const SUMMARY: Record<ModelId, readonly string[]> = {
  o1: STEPS.map(([title, content]) => `**${title}**\n\n${content}`),
  plain: [REASONING],
};

/** A call of the function `add`, in pieces. */
export const ADD_CALL: Reply = {
  toolCalls: [{ id: "call_add_1", name: "add", arguments: ['{"a":2,', '"b":2}'] }],
};

/** The answer in words, in pieces. */
export const WORDS: Reply = { content: pieces(ANSWER) };

/** A running server. */
export interface Served extends AsyncDisposable {
  /** Its base URL, ending in /v1. */
  url: string;
  /** The upstream behind it. */
  upstream: Upstream;
  /** The upstream's calls for an answer: all but those for steps. */
  visible(): Call[];
}

/** An upstream that thinks {@linkcode REASONING} for any model, and gives these answers in turn. */
export function thinking(model: ModelId, answers: readonly Reply[]): (call: Call) => Reply {
  let steps = 0;
  let at = 0;
  return (call) => {
    if (isThinking(call)) return { content: pieces(step(...STEPS[steps++ % STEPS.length]!)) };
    const answer = answers[Math.min(at++, answers.length - 1)]!;
    return model === "plain" ? { reasoning: pieces(REASONING, 9), ...answer } : answer;
  };
}

/** Starts the server; the token of its clients is {@linkcode TOKEN}. */
export async function serve(script: Parameters<typeof startUpstream>[0]): Promise<Served> {
  const upstream = startUpstream(script);
  const app = await createTestApp({ upstream: upstream.url });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, app.handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    upstream,
    visible: () => upstream.calls.filter((call) => !isThinking(call)),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A request that fails, and how every client has to see it. */
export interface Failure {
  /** What went wrong, in words. */
  name: string;
  /** The status that the client sees. */
  status: number;
  /** The code in the error object. */
  code: string;
  /** The key that the client sends. */
  key: string;
  /** The model that the client asks. */
  model: string;
  /** The temperature that the client sends. */
  temperature: number;
  /** What the upstream answers. */
  reply: Reply;
}

const FINE = { key: TOKEN, model: "plain", temperature: 1, reply: WORDS };

/** Failures that every client has to tell apart. */
export const FAILURES: readonly Failure[] = [
  { ...FINE, name: "a wrong field", status: 400, code: "invalid_value", temperature: 9 },
  { ...FINE, name: "a wrong key", status: 401, code: "invalid_api_key", key: "wrong-key" },
  { ...FINE, name: "an unknown model", status: 404, code: "model_not_found", model: "gpt-17" },
  {
    ...FINE,
    name: "an upstream at its limit",
    status: 429,
    code: "rate_limit_exceeded",
    reply: {
      status: 429,
      body: '{"error":{"message":"slow down"}}',
      headers: { "retry-after": "7" },
    },
  },
];

/**
 * What an upstream writes that stops in the middle: of a thought on `o1`, of the answer on `plain`.
 * A client that leaves while a whole answer is made is no part of these tests: `Deno.serve` tells
 * of it only where the request's head and body came in one packet.
 */
export function stalled(model: ModelId): Reply[] {
  return [{ content: [model === "o1" ? '{"title":"Under' : "The answ"], end: "stall" }];
}

/** Resolves when the upstream's first call has been left; nothing of it goes on. */
export async function assertLeft({ upstream }: Served): Promise<void> {
  await upstream.calls[0]!.left;
  assertEquals([upstream.open, upstream.calls.length], [0, 1]);
}
