/**
 * The server on a socket, over a scripted upstream, for tests of real clients.
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

/** The published models: one that thinks in steps, one that passes requests through. */
export const MODELS = ["o1", "plain"] as const;

export type ModelId = typeof MODELS[number];

export const QUESTION = "What is 2 + 2?";

export const ANSWER = "The answer is 4.";

const STEPS: readonly [title: string, content: string, next?: string][] = [
  ["Understand", "Add two and two."],
  ["Compute", "2 + 2 = 4."],
  ["Check", "Counting on: 3, 4.", "final_answer"],
];

/** The thinking that both models show. */
export const REASONING = STEPS.map(([title, content]) => `**${title}**\n\n${content}\n\n`).join("");

/** The same thinking as the parts of a Responses summary, each a new paragraph. */
export const SUMMARY: Record<ModelId, readonly string[]> = {
  o1: STEPS.map(([title, content], i) => `${i === 0 ? "" : "\n\n"}**${title}**\n\n${content}`),
  plain: [REASONING],
};

export const ADD_CALL: Reply = {
  toolCalls: [{ id: "call_add_1", name: "add", arguments: ['{"a":2,', '"b":2}'] }],
};

export const WORDS: Reply = { content: pieces(ANSWER) };

export interface Served extends AsyncDisposable {
  /** Base URL, ending in /v1. */
  url: string;
  upstream: Upstream;
  /** The upstream calls for an answer, without those for steps. */
  visible(): Call[];
}

/** Scripts an upstream that thinks {@linkcode REASONING} and gives the answers in turn. */
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

/** A request that fails, and the error that every client must see. */
export interface Failure {
  name: string;
  status: number;
  code: string;
  key: string;
  model: string;
  temperature: number;
  reply: Reply;
}

const VALID = { key: TOKEN, model: "plain", temperature: 1, reply: WORDS };

export const FAILURES: readonly Failure[] = [
  { ...VALID, name: "a wrong field", status: 400, code: "invalid_value", temperature: 9 },
  { ...VALID, name: "a wrong key", status: 401, code: "invalid_api_key", key: "wrong-key" },
  { ...VALID, name: "an unknown model", status: 404, code: "model_not_found", model: "gpt-17" },
  {
    ...VALID,
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
 * Scripts an upstream that stops in the middle: of a thought on `o1`, of the answer on `plain`.
 * These tests have no client that disconnects before a JSON answer, because `Deno.serve` notices it
 * only if the head and the body of the request came in one packet.
 */
export function stalled(model: ModelId): Reply[] {
  return [{ content: [model === "o1" ? '{"title":"Under' : "The answ"], end: "stall" }];
}

/** Asserts that the second visible call carries the result of {@linkcode ADD_CALL}. */
export function assertResultSent(served: Served): void {
  const sent = served.visible()[1]!.body.messages;
  const result = sent.find(({ role }: { role: string }) => role === "tool");
  assertEquals([result.tool_call_id, result.content], ["call_add_1", "4"]);
}

/** The contents of the first messages of the second visible call, without system messages. */
export function conversationSent(served: Served, count: number): unknown[] {
  const sent: { role: string; content: unknown }[] = served.visible()[1]!.body.messages;
  return sent.filter(({ role }) => role !== "system").slice(0, count)
    .map(({ content }) => content);
}

/** Waits until the upstream's first call has been aborted, and asserts that no other call is left. */
export async function assertLeft({ upstream }: Served): Promise<void> {
  await upstream.calls[0]!.left;
  assertEquals([upstream.open, upstream.calls.length], [0, 1]);
}
