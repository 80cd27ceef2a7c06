import type { Clock } from "../clock.ts";
import type { Store } from "../store/store.ts";
import type { BackgroundRuns } from "./responses/background.ts";
import { type Log, stackWithoutMessage } from "./telemetry/log.ts";

export interface TakeoverTimerOptions {
  store: Store;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  log: Log;
  /** Loads the code of background runs. */
  load: () => Promise<BackgroundRuns>;
}

/** Average pause between two checks; it varies by a quarter, so that servers do not act at once. */
const INTERVAL_MS = 5_000;

/** Looks for background runs whose server has stopped, and takes them over. */
export function createTakeoverTimer({ store, clock, random, log, load }: TakeoverTimerOptions) {
  let isStopped = false;
  let isFailing = false;
  let cancelTimer = () => {};

  async function check(): Promise<void> {
    try {
      // Most servers have none, and need no code for them.
      const [first] = await store.list({ collection: "running", limit: 1 });
      if (first !== undefined && !isStopped) await (await load()).takeOverAbandoned();
      isFailing = false;
    } catch (error) {
      if (!isFailing) {
        log.warn("Background responses of other servers cannot be taken over", {
          cause: stackWithoutMessage(error),
        });
      }
      isFailing = true;
    }
    schedule();
  }

  function schedule(): void {
    if (isStopped) return;
    cancelTimer = clock.timer(INTERVAL_MS * (0.75 + random() / 2), () => void check());
  }

  return {
    /** Checks until `stop` is called. */
    start: schedule,
    stop(): void {
      isStopped = true;
      cancelTimer();
    },
  };
}
