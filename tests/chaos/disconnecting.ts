/**
 * Clients that disconnect at every point of an answer.
 *
 * @module
 */
import {
  type Action,
  type FaultyCall,
  hang,
  type Script,
  startFaultyUpstream,
} from "../support/faulty/upstream.ts";
import type { Mode, Strategy } from "./faults/fault.ts";
import { chunk, halves, head, piece } from "../support/faulty/answers.ts";
import {
  createProgress,
  type Product,
  type Progress,
  readAnswer,
  startProduct,
} from "./harness.ts";
import { waitFor } from "../support/wait.ts";

/** Points at which clients disconnect, with what the upstream has written by then. */
export const WINDOWS = {
  "before the headers": () => [],
  "between the headers and the first chunk": () => [head()],
  "in the middle of the answer": (call: FaultyCall) => [
    head(),
    piece(call.stream ? chunk({ content: halves(call)[0] }) : '{"choices":['),
  ],
} satisfies Record<string, (call: FaultyCall) => Script>;

export type Window = keyof typeof WINDOWS;

/** Clients that wait at one point for an upstream that hangs. */
export interface Parked extends AsyncDisposable {
  product: Product;
  /** Disconnects all clients; resolves when no upstream call is left. */
  disconnect(): Promise<void>;
  /** Drains the server and returns the number of upstream calls. */
  calls(): Promise<number>;
  answers: Promise<{ response: Response; text: string }>[];
  /** Resolves when no upstream call is left. */
  idle(): Promise<void>;
}

/** Time for the server to read what was written; there is no event for that. */
const READ_MS = 30;

/** Starts clients and waits until all have reached the point. */
export async function park(options: {
  strategy: Strategy;
  mode: Mode;
  window: Window;
  clients?: number;
  server?: Record<string, unknown>;
}): Promise<Parked> {
  const { strategy, mode, window, clients = 1 } = options;
  const ready = Promise.withResolvers<void>();
  const clientsAbort = new AbortController();
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
    answerOf(product, progress, strategy, mode, i, clientsAbort.signal)
  );
  for (const answer of answers) answer.catch(() => {});
  await waitFor(() => `${clients} calls to wait, after ${waiting}`, ready.promise);
  const half = strategy === "direct" ? "The answer" : "Thought 1";
  if (seen) {
    const all = Promise.all(progresses.map((progress) => progress.seen(half)));
    await waitFor(`${half} at every client`, all);
  }
  return {
    product,
    answers,
    disconnect() {
      clientsAbort.abort();
      return upstream.idle();
    },
    async calls() {
      await product.app.drain(60_000);
      return upstream.calls.length;
    },
    idle: () => upstream.idle(),
    async [Symbol.asyncDispose]() {
      clientsAbort.abort();
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
