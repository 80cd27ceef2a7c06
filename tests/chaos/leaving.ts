/**
 * Clients that leave, at every point of an answer.
 *
 * @module
 */
import {
  type Action,
  type FaultyCall,
  hang,
  type Script,
  startFaultyUpstream,
} from "./faulty_upstream.ts";
import type { Mode, Strategy } from "./faults/fault.ts";
import { chunk, halves, head, piece } from "./faults/answers.ts";
import {
  createProgress,
  type Product,
  type Progress,
  readAnswer,
  startProduct,
} from "./harness.ts";

/** Points at which clients leave: what the upstream has written by then. */
export const WINDOWS = {
  "before the headers": () => [],
  "between the headers and the first chunk": () => [head()],
  "in the middle of the answer": (call: FaultyCall) => [
    head(),
    piece(call.stream ? chunk({ content: halves(call)[0] }) : '{"choices":['),
  ],
} satisfies Record<string, (call: FaultyCall) => Script>;

/** A point at which clients leave. */
export type Window = keyof typeof WINDOWS;

/** Clients that wait at one point for an upstream that will never go on. */
export interface Parked extends AsyncDisposable {
  /** The product that they ask. */
  product: Product;
  /** All of them leave; resolves with the milliseconds until no upstream socket was left. */
  leave(): Promise<number>;
  /** Ends all work, and tells how many calls the upstream got. */
  calls(): Promise<number>;
  /** What the clients got, once they have an answer. */
  answers: Promise<{ response: Response; text: string }>[];
  /** Resolves when no upstream socket is left. */
  idle(): Promise<void>;
}

/** Time for what was written to be read, in milliseconds: nothing tells when that has been. */
const READ_MS = 30;

/** Brings so many clients to a point. */
export async function park(options: {
  strategy: Strategy;
  mode: Mode;
  window: Window;
  clients?: number;
  server?: Record<string, unknown>;
}): Promise<Parked> {
  const { strategy, mode, window, clients = 1 } = options;
  const ready = Promise.withResolvers<void>();
  const left = new AbortController();
  let waiting = 0;
  const arrive: Action = async (wire) => {
    await wire.wait(READ_MS);
    if (++waiting === clients) ready.resolve();
  };
  const upstream = startFaultyUpstream({
    play: (call) => [...WINDOWS[window](call), arrive, hang],
  });
  const product = await startProduct({
    upstreams: { first: { url: upstream.url, settings: { max_concurrency: 1_000 } } },
    server: options.server,
  });
  const seen = window === "in the middle of the answer" && mode === "stream";
  const progresses = Array.from({ length: clients }, createProgress);
  const answers = progresses.map((progress, i) =>
    answerOf(product, progress, strategy, mode, i, left.signal)
  );
  for (const answer of answers) answer.catch(() => {});
  await ready.promise;
  const half = strategy === "direct" ? "The answer" : "Thought 1";
  if (seen) await Promise.all(progresses.map((progress) => progress.seen(half)));
  return {
    product,
    answers,
    async leave() {
      const start = performance.now();
      left.abort();
      await upstream.idle();
      return performance.now() - start;
    },
    async calls() {
      await product.app.drain(60_000);
      return upstream.calls.length;
    },
    idle: () => upstream.idle(),
    async [Symbol.asyncDispose]() {
      left.abort();
      await Promise.allSettled(answers);
      await product[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function answerOf(
  product: Product,
  progress: Progress,
  strategy: Strategy,
  mode: Mode,
  client: number,
  signal: AbortSignal,
): Promise<{ response: Response; text: string }> {
  const response = await product.ask(strategy, mode, { question: `Client ${client}?`, signal });
  return { response, text: await readAnswer(response, progress) };
}
