/**
 * Runs a script in several threads, and puts another in the place of one that ends by an error.
 *
 * @module
 */
import type { Log } from "../../server/telemetry/log.ts";
import type { Clock } from "../../clock.ts";
import { type Calls, createCalls, type Doors } from "./calls.ts";

/** A running thread. */
export interface WorkerThread<Theirs extends Doors> {
  /** Its number, from 0 on; another in its place has the same. */
  index: number;
  /** Calls it; rejects when it ends. */
  call: Calls<Theirs>["call"];
}

/** What is supervised. */
export interface SupervisorOptions<Theirs extends Doors> {
  /** The script. Its first message is the port of its calls. */
  script: URL;
  /** How many threads. */
  count: number;
  /** What a thread may call. */
  doors: (index: number) => Doors;
  /** Brings a new thread to where it serves. */
  begin: (worker: WorkerThread<Theirs>) => Promise<void>;
  /** Told when one that served is gone. */
  onLost: (index: number) => void;
  /** The one clock. */
  clock: Clock;
  /** Where losses are told. */
  log: Log;
}

/** The threads of one script. */
export interface Supervisor<Theirs extends Doors> {
  /**
   * Starts all of them.
   *
   * @throws {Error} where the first of a place ends before it serves.
   */
  start(): Promise<void>;
  /** Those that serve. */
  serving(): WorkerThread<Theirs>[];
  /** From now on the lost are not replaced. */
  leave(): void;
  /** Ends all of them. */
  stop(): void;
}

/** The wait before a thread is replaced: for a first loss, and at most. */
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 10_000;

/** Whoever lived this long is replaced as after a first loss. */
const STEADY_MS = 60_000;

/** Creates a supervisor; nothing runs before it is started. */
export function createSupervisor<Theirs extends Doors>(
  options: SupervisorOptions<Theirs>,
): Supervisor<Theirs> {
  const { script, count, doors, begin, onLost, clock, log } = options;
  const serving = new Map<number, WorkerThread<Theirs>>();
  const ends = new Set<() => void>();
  const timers = new Map<number, () => void>();
  const waits = new Map<number, number>();
  let replacing = true;

  async function launch(index: number): Promise<void> {
    const thread = new Worker(script, { type: "module", name: `worker ${index + 1}` });
    const { port1, port2 } = new MessageChannel();
    const calls = createCalls<Theirs>(port1, doors(index));
    const worker: WorkerThread<Theirs> = { index, call: calls.call };
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const started = clock.now();
    const end = (reason = new Error("The worker was ended")) => {
      if (!ends.delete(end)) return;
      thread.terminate();
      calls.close(reason);
      lost.reject(reason);
    };
    ends.add(end);
    thread.onerror = (event) => {
      // Else the whole process ends with it.
      event.preventDefault();
      end(new Error(event.message));
      if (serving.get(index) !== worker) return;
      serving.delete(index);
      if (clock.now() - started >= STEADY_MS) waits.delete(index);
      onLost(index);
      replace(index);
    };
    thread.postMessage(port2, [port2]);
    try {
      await Promise.race([begin(worker), lost.promise]);
    } catch (error) {
      end();
      throw error;
    }
    serving.set(index, worker);
  }

  function replace(index: number): void {
    if (!replacing) return;
    const wait = waits.get(index) ?? FIRST_WAIT_MS;
    waits.set(index, Math.min(2 * wait, MAX_WAIT_MS));
    // Deno has written the error itself.
    log.error("A worker has ended by an error; another takes its place.", {
      worker: index + 1,
      wait_ms: wait,
    });
    timers.set(
      index,
      clock.timer(wait, () => {
        timers.delete(index);
        launch(index).then(
          () => log.info("A worker was replaced.", { worker: index + 1 }),
          () => replace(index),
        );
      }),
    );
  }

  function leave(): void {
    replacing = false;
    for (const cancel of timers.values()) cancel();
    timers.clear();
  }

  return {
    async start() {
      await Promise.all(Array.from({ length: count }, (_, index) => launch(index)));
    },
    serving: () => [...serving.values()],
    leave,
    stop() {
      leave();
      serving.clear();
      for (const end of [...ends]) end();
    },
  };
}
