import { assert } from "@std/assert";
import type { Browser, Page } from "playwright-core";

/**
 * A frame of over 100 ms is felt. The longest takes 70 ms here, and twice as long on a slower machine;
 * without its division into slices, the rendering of a long answer takes 200 to 500 ms.
 */
const MAX_TASK_MS = 180;

/** A busy machine makes some tasks longer; a slow page makes the same ones longer each time. */
const MAX_MEASURES = 5;

/** Asserts that in one of several measures the longest task is no longer than a frame may be. */
export async function assertShortTasks(measure: () => Promise<number>): Promise<void> {
  const longest: number[] = [];
  while (longest.length < MAX_MEASURES && !longest.some((ms) => ms < MAX_TASK_MS)) {
    longest.push(await measure());
  }
  assert(longest.some((ms) => ms < MAX_TASK_MS), `the longest tasks took ${longest.join(", ")} ms`);
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  args: { name?: string };
  /** Processor time in µs. */
  tdur?: number;
}

/**
 * Returns the longest task of a page's main thread during an action, in milliseconds of processor
 * time: other work of the machine does not count.
 */
export async function longestTask(
  browser: Browser,
  page: Page,
  action: () => Promise<unknown>,
): Promise<number> {
  await browser.startTracing(page, {
    categories: ["toplevel", "disabled-by-default-devtools.timeline"],
  });
  await action();
  const trace = new TextDecoder().decode(await browser.stopTracing());
  const events: TraceEvent[] = JSON.parse(trace).traceEvents;
  const threads = new Set(
    events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter(({ name, pid, tid, tdur }) =>
    name.endsWith("RunTask") && threads.has(`${pid} ${tid}`) && tdur !== undefined
  );
  if (tasks.length === 0) throw new Error("The trace has no tasks.");
  return Math.max(...tasks.map(({ tdur }) => tdur! / 1_000));
}
