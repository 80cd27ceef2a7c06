/**
 * Several calls at once, of which one is seen live.
 *
 * @module
 */
import { type CandidateEvent, type ReasoningEvent, UpstreamError } from "../events.ts";
import type { CallSpec, StrategyContext } from "../strategy.ts";

/** What one call came to. */
export interface Sample {
  /** Its number, from 0, over all calls of the run. */
  index: number;
  /** The answer, without its thinking. */
  text: string;
  /** Its thinking. */
  thinking: string;
  /** Whether it was cut off before its end. */
  cut: boolean;
}

/**
 * A sample as one of several that are compared.
 *
 * @param answer what it comes to, where that can be read.
 */
export function candidate({ index, text, thinking }: Sample, answer?: string): CandidateEvent {
  return { type: "candidate", index, answer: answer ?? null, text: text || thinking };
}

/** What a call of a group is. */
export interface SampleSpec extends Omit<CallSpec, "signal" | "visible"> {
  /** Its number, from 0, over all calls of the run. */
  index: number;
}

/** How a group of calls goes. */
export interface ParallelOptions {
  /** The number of the step that the live call's thinking makes; undefined: nothing is live. */
  liveStep?: number | undefined;
  /**
   * Called for each sample as it lands.
   *
   * @returns lines to show, and whether the rest is not needed any more.
   */
  onSample?: (sample: Sample) => { lines?: ReasoningEvent[]; done?: boolean };
  /** Time after which the last call is waited for no longer, in milliseconds. */
  stragglerMs?: number;
}

/** What a group of calls came to. */
export interface Samples {
  /** Those that landed, in the order in which they did. */
  samples: Sample[];
  /** The first failure, if any call failed. */
  error: UpstreamError | undefined;
}

type Item =
  | { type: "text"; text: string }
  | { type: "sample"; sample: Sample }
  | { type: "failed"; index: number; error: unknown }
  | { type: "late" };

/**
 * Runs all calls at once; the first one's text is streamed as an untitled step, and lines about
 * the others wait for its end. Calls that fail are left out. As soon as the rest is not needed it
 * is aborted.
 *
 * @throws what is no upstream's failure, such as the signal's reason.
 */
export async function* sampleAll(
  context: StrategyContext,
  specs: readonly SampleSpec[],
  options: ParallelOptions = {},
): AsyncGenerator<ReasoningEvent, Samples> {
  const controller = new AbortController();
  const queue = createQueue<Item>();
  const live = createLiveStep(context, options.liveStep);
  const liveIndex = options.liveStep === undefined ? undefined : specs[0]?.index;
  const running = specs.map(({ index, ...spec }) =>
    runOne(context, { ...spec, share: specs.length, signal: controller.signal }, (text) => {
      if (index === liveIndex) queue.put({ type: "text", text });
    }).then(
      (sample) => queue.put({ type: "sample", sample: { ...sample, index } }),
      (error) => queue.put({ type: "failed", index, error }),
    )
  );
  const out: Samples = { samples: [], error: undefined };
  const lines: ReasoningEvent[] = [];
  let left = specs.length;
  let cancelTimer = () => {};
  try {
    for (let done = false; left > 0 && !done;) {
      const item = await queue.take();
      if (item.type === "text") {
        yield* live.add(item.text);
        continue;
      }
      if (item.type === "late") break;
      left--;
      if (item.type === "failed") {
        if (!(item.error instanceof UpstreamError)) throw item.error;
        out.error ??= item.error;
        if (item.index === liveIndex) yield* live.end();
      } else {
        if (item.sample.index === liveIndex) yield* live.end();
        out.samples.push(item.sample);
        const told = options.onSample?.(item.sample);
        lines.push(...told?.lines ?? []);
        done = told?.done ?? false;
      }
      if (!live.isOpen()) yield* lines.splice(0);
      if (left === 1 && options.stragglerMs !== undefined && out.samples.length > 0) {
        cancelTimer();
        cancelTimer = context.clock.timer(options.stragglerMs, () => queue.put({ type: "late" }));
      }
    }
    yield* live.end();
    yield* lines;
    return out;
  } finally {
    cancelTimer();
    controller.abort(new DOMException("Not needed any more", "AbortError"));
    await Promise.all(running);
  }
}

/** A queue that one reader waits on. */
function createQueue<T>(): { put(item: T): void; take(): Promise<T> } {
  const items: T[] = [];
  let wake: (() => void) | undefined;
  return {
    put(item) {
      items.push(item);
      wake?.();
    },
    async take() {
      while (items.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return items.shift()!;
    },
  };
}

/** The step that the live call's text makes; it opens with the first text. */
function createLiveStep(context: StrategyContext, step = 0): {
  isOpen(): boolean;
  add(text: string): ReasoningEvent[];
  end(): ReasoningEvent[];
} {
  const start = context.clock.now();
  const pieces: string[] = [];
  let state: "new" | "open" | "ended" = "new";
  return {
    isOpen() {
      return state === "open";
    },
    add(text) {
      pieces.push(text);
      const event: ReasoningEvent = { type: "reasoning", step, part: "content", text };
      const isFirst = state === "new";
      state = "open";
      return isFirst ? [{ type: "step_start", step, titled: false }, event] : [event];
    },
    end() {
      const wasOpen = state === "open";
      state = "ended";
      if (!wasOpen) return [];
      const seconds = (context.clock.now() - start) / 1000;
      return [{ type: "step_end", step, title: "", content: pieces.join(""), seconds }];
    },
  };
}

/** Runs one call; `show` is told all its text, thinking first. */
async function runOne(
  context: StrategyContext,
  spec: CallSpec,
  show: (text: string) => void,
): Promise<Omit<Sample, "index">> {
  const text: string[] = [];
  const thinking: string[] = [];
  let cut = false;
  for await (const { reasoning, content, finishReason } of context.call(spec)) {
    if (reasoning !== undefined) {
      thinking.push(reasoning);
      show(reasoning);
    }
    if (content !== undefined) {
      show(thinking.length > 0 && text.length === 0 ? `\n\n${content}` : content);
      text.push(content);
    }
    if (finishReason === "length") cut = true;
  }
  return { text: text.join(""), thinking: thinking.join(""), cut };
}
