import { abortable } from "@std/async";
import { type Clock, within } from "../../clock.ts";
import { ToolFailure } from "../attempt.ts";
import type { HtmlText } from "./worker.ts";

/** A page of 2 MB takes half a second, and one that is made to be slow, about a second. */
const TIME_LIMIT_MS = 5_000;

/**
 * Bounds the memory and the cores: a page of 2 MB can take 200 MB. Deno can't end a thread while it
 * works, so a slow page keeps its place until it has been read.
 */
const MAX_THREADS = 4;

let threads = 0;
const waiting = new Set<() => void>();

/**
 * Reads the text of a page in a thread of its own, so that no page blocks the event loop. A thread
 * takes about 30 ms to start.
 *
 * @throws {ToolFailure} if the page takes too long, and the signal's reason.
 */
export async function htmlText(html: string, clock: Clock, signal: AbortSignal): Promise<HtmlText> {
  await acquire(signal);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "page",
  });
  const { promise, resolve } = Promise.withResolvers<HtmlText | undefined>();
  const end = () => {
    worker.terminate();
    release();
  };
  worker.onmessage = ({ data }: MessageEvent<HtmlText>) => {
    resolve(data);
    end();
  };
  worker.onerror = (event) => {
    // Otherwise the whole process exits.
    event.preventDefault();
    resolve(undefined);
    end();
  };
  worker.postMessage(html);
  const text = await within(clock, TIME_LIMIT_MS, abortable(promise, signal));
  if (text !== "late" && text !== undefined) return text;
  throw new ToolFailure("The text of the page can't be read.");
}

async function acquire(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (threads < MAX_THREADS) {
    threads++;
    return;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => {
    waiting.delete(resolve);
    reject(signal.reason);
  };
  waiting.add(resolve);
  signal.addEventListener("abort", abort);
  await promise.finally(() => signal.removeEventListener("abort", abort));
}

/** Passes the place on to the next that waits. */
function release(): void {
  const [next] = waiting;
  if (next === undefined) threads--;
  else {
    waiting.delete(next);
    next();
  }
}
