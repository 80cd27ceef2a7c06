import { abortable } from "@std/async";
import { type Clock, within } from "../../clock.ts";
import { createSlots } from "../../slots.ts";
import { ToolFailure } from "../failure.ts";
import type { HtmlText } from "./worker.ts";

/** A page of 2 MB takes half a second, and one that is made to be slow, about a second. */
const TIME_LIMIT_MS = 5_000;

/**
 * Bounds the memory and the cores: a page of 2 MB can take 200 MB. Deno can't end a thread while it
 * works, so a slow page keeps its place until it has been read.
 */
const MAX_THREADS = 4;

const threads = createSlots(() => MAX_THREADS, () => false);

/**
 * Reads the text of a page in a thread of its own, so that no page blocks the event loop. A thread
 * takes about 30 ms to start.
 *
 * @throws {ToolFailure} if the page takes too long, and the signal's reason.
 */
export async function htmlText(html: string, clock: Clock, signal: AbortSignal): Promise<HtmlText> {
  const release = await threads.acquire("", signal);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "page",
  });
  const { promise, resolve } = Promise.withResolvers<HtmlText | undefined>();
  const end = (text: HtmlText | undefined) => {
    resolve(text);
    worker.terminate();
    release();
  };
  worker.onmessage = ({ data }: MessageEvent<HtmlText>) => end(data);
  worker.onerror = (event) => {
    // Otherwise the whole process exits.
    event.preventDefault();
    end(undefined);
  };
  worker.postMessage(html);
  const text = await within(clock, TIME_LIMIT_MS, abortable(promise, signal));
  if (text !== "late" && text !== undefined) return text;
  throw new ToolFailure("The text of the page can't be read.");
}
