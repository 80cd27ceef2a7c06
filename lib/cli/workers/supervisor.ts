/** Runs a script in several threads and replaces those that crash. */
import { type Call, connect, type Methods } from "../../thread_calls.ts";
import { type Clock, sleep } from "../../clock.ts";
import type { Log } from "../../server/telemetry/log.ts";

export interface WorkerThread<Theirs extends Methods> {
  /** Starts at 0. A replacement has the index of the crashed thread. */
  index: number;
  /** Rejects if the thread crashes. */
  call: Call<Theirs>;
}

export interface SupervisorOptions<Theirs extends Methods> {
  /** Its first message is the port of its calls. */
  script: URL;
  count: number;
  methods(index: number): Methods;
  /** Prepares a new thread; it serves once this resolves. */
  prepare(worker: WorkerThread<Theirs>): Promise<void>;
  /** Called when a serving thread has crashed. */
  onCrash(index: number): void;
  clock: Clock;
  log: Log;
}

/** Delays before a crashed thread is replaced: after the first crash, and the longest. */
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;

/** A thread that has served this long counts as healthy: the next delay is the shortest again. */
const HEALTHY_MS = 60_000;

export function createSupervisor<Theirs extends Methods>(
  { script, count, methods, prepare, onCrash, clock, log }: SupervisorOptions<Theirs>,
) {
  const serving = new Map<number, WorkerThread<Theirs>>();
  const running = new Set<(reason: Error) => void>();
  const delays = new Map<number, number>();
  const retired = new AbortController();

  async function launch(index: number): Promise<void> {
    const thread = new Worker(script, { type: "module", name: `worker ${index + 1}` });
    // Under load, a call over a port of its own takes 11 µs, one over the thread's own 20 µs.
    const { port1, port2 } = new MessageChannel();
    const { call, close } = connect<Theirs>(port1, () => methods(index));
    const worker: WorkerThread<Theirs> = { index, call };
    const startedAt = clock.now();
    let failure: Error | undefined;
    const terminate = (reason: Error) => {
      failure ??= reason;
      running.delete(terminate);
      thread.terminate();
      close(failure);
    };
    running.add(terminate);
    thread.onerror = (event) => {
      // Otherwise the whole process exits.
      event.preventDefault();
      terminate(new Error(event.message));
      if (serving.get(index) !== worker) return;
      serving.delete(index);
      if (clock.now() - startedAt >= HEALTHY_MS) delays.delete(index);
      onCrash(index);
      replace(index);
    };
    thread.postMessage(port2, [port2]);
    try {
      await prepare(worker);
      if (failure !== undefined) throw failure;
    } catch (error) {
      terminate(error as Error);
      throw error;
    }
    serving.set(index, worker);
  }

  async function replace(index: number): Promise<void> {
    while (!retired.signal.aborted) {
      const delayMs = delays.get(index) ?? MIN_DELAY_MS;
      delays.set(index, Math.min(2 * delayMs, MAX_DELAY_MS));
      // Deno has printed the error itself.
      log.error("A worker crashed and will be replaced", { worker: index + 1, wait_ms: delayMs });
      try {
        await sleep(clock, delayMs, retired.signal);
        await launch(index);
        return log.info("A worker was replaced", { worker: index + 1 });
      } catch {
        // It crashed again, or the server is shutting down.
      }
    }
  }

  return {
    /** Starts all threads. Rejects if one crashes before it serves. */
    async start(): Promise<void> {
      await Promise.all(Array.from({ length: count }, (_, index) => launch(index)));
    },
    serving: () => [...serving.values()],
    retire: () => retired.abort(),
    stop(): void {
      retired.abort();
      serving.clear();
      for (const terminate of running) terminate(new Error("The worker was stopped"));
    },
  };
}
