import { abortable } from "@std/async";
import { within } from "../../clock.ts";
import type { ToolContext } from "../tool.ts";
import type { Ready, RunAnswer, RunRequest } from "./worker.ts";

interface Thread {
  worker: Worker;
  /** Called with the answer; undefined if the thread died. */
  finish: ((answer: RunAnswer | undefined) => void) | undefined;
  /** Ends the program that the thread runs. */
  cancel: (() => void) | undefined;
  isReady: boolean;
}

/** A thread that exceeds its time limit by this is not waited for. Its place stays taken. */
const GRACE_MS = 1_500;

/** Longest wait for a thread. */
const MAX_WAIT_MS = 30_000;

/**
 * While a module is kept, V8 uses its machine code for equal ones: a further thread starts and runs
 * its first code in 80 ms of CPU instead of 180.
 */
const kept: { sandbox?: WebAssembly.Module } = {};

const failed = (text: string): RunAnswer => ({ text, isError: true, isWorn: false });

/**
 * Creates threads that run code, one piece each at a time. They are started before they are needed.
 * Needs Deno's `--unstable-worker-options`: without it, Deno ends the process.
 */
export function createThreads(count: number) {
  const threads = new Set<Thread>();
  const idle: Thread[] = [];
  const waiting = new Set<(thread: Thread | undefined) => void>();
  let isClosed = false;

  function start(): void {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "code",
      deno: { permissions: "none" },
    } as WorkerOptions);
    const thread: Thread = { worker, finish: undefined, cancel: undefined, isReady: false };
    threads.add(thread);
    worker.onmessage = ({ data }: MessageEvent<Ready | RunAnswer>) => {
      if (!("sandbox" in data)) return thread.finish?.(data);
      kept.sandbox = data.sandbox;
      thread.isReady = true;
      free(thread);
    };
    worker.onerror = (event) => {
      // Otherwise the whole process exits.
      event.preventDefault();
      discard(thread);
    };
  }

  function free(thread: Thread): void {
    const [next] = waiting;
    if (next === undefined) idle.push(thread);
    else {
      waiting.delete(next);
      next(thread);
    }
  }

  function discard(thread: Thread): void {
    if (!threads.delete(thread)) return;
    // Deno ends a thread only when it returns to its event loop.
    thread.cancel?.();
    thread.worker.terminate();
    const index = idle.indexOf(thread);
    if (index >= 0) idle.splice(index, 1);
    thread.finish?.(undefined);
    if (isClosed) return;
    // One that never became ready would not the next time either.
    if (thread.isReady) start();
    else if (threads.size === 0) { for (const stopWaiting of waiting) stopWaiting(undefined); }
  }

  /** Returns undefined if no thread is free in time. */
  async function acquire({ signal, clock }: ToolContext): Promise<Thread | undefined> {
    const thread = idle.pop();
    if (thread !== undefined || isClosed) return thread;
    if (threads.size === 0) start();
    const { promise, resolve } = Promise.withResolvers<Thread | undefined>();
    waiting.add(resolve);
    let taken: Thread | "late" | undefined = "late";
    try {
      taken = await within(clock, MAX_WAIT_MS, abortable(promise, signal));
    } finally {
      const isWaiting = waiting.delete(resolve);
      // A thread that became free just as the wait was given up.
      if (taken === "late" && !isWaiting) void promise.then((given) => given && free(given));
    }
    return taken === "late" ? undefined : taken;
  }

  for (let i = 0; i < count; i++) start();

  return {
    /** Rejects only with the signal's reason, which ends the code at once. */
    async run(
      request: Omit<RunRequest, "date" | "isCancelled">,
      context: ToolContext,
    ): Promise<RunAnswer> {
      const { signal, clock } = context;
      signal.throwIfAborted();
      const thread = await acquire(context);
      if (thread === undefined || !threads.has(thread)) {
        return failed("The sandbox is busy. Try again later.");
      }
      const { promise, resolve } = Promise.withResolvers<RunAnswer | undefined>();
      const isCancelled = new Int32Array(new SharedArrayBuffer(4));
      const cancel = () => void Atomics.store(isCancelled, 0, 1);
      thread.cancel = cancel;
      thread.finish = (answer) => {
        thread.finish = thread.cancel = undefined;
        if (answer?.isWorn) discard(thread);
        else if (answer !== undefined) free(thread);
        resolve(answer);
      };
      const date = clock.date();
      thread.worker.postMessage({ ...request, date, isCancelled } satisfies RunRequest);
      try {
        const limitMs = request.timeMs + GRACE_MS;
        const answer = await within(clock, limitMs, abortable(promise, signal));
        signal.throwIfAborted();
        if (answer !== "late" && answer !== undefined) return answer;
        return failed(`The code ran for more than ${request.timeMs} ms and was stopped.`);
      } finally {
        // If it has ended already, this has no effect.
        cancel();
      }
    },
    close(): void {
      isClosed = true;
      for (const thread of threads) discard(thread);
      for (const stopWaiting of waiting) stopWaiting(undefined);
    },
  };
}
