/**
 * Several calls at once, of which one is seen live.
 *
 * @module
 */
import { type CandidateEvent, type ReasoningEvent, UpstreamError } from "../events.ts";
import type { CallContext, CallSpec } from "../strategy.ts";
import { createUntitledStep } from "./untitled_step.ts";

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
export function candidate(sample: Sample, answer?: string): CandidateEvent {
  const { index } = sample;
  return { type: "candidate", index, answer: answer ?? null, text: sampleText(sample) };
}

/** What to show of a sample; its thinking if it ended before its answer. */
export function sampleText({ text, thinking }: Sample): string {
  return text || thinking;
}

/** Returns the sample with the shortest text; there must be at least one. */
export function shortest(samples: readonly Sample[]): Sample {
  return samples.reduce((best, sample) => sample.text.length < best.text.length ? sample : best);
}

/** What a call of a group is. */
export interface SampleSpec<Role extends string>
  extends Omit<CallSpec<Role>, "signal" | "visible"> {
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
export async function* sampleAll<Role extends string>(
  context: CallContext<never, Role>,
  specs: readonly SampleSpec<Role>[],
  options: ParallelOptions = {},
): AsyncGenerator<ReasoningEvent, Samples> {
  const controller = new AbortController();
  const queue = createQueue<Item>();
  const live = createUntitledStep(context.clock, options.liveStep ?? 0);
  const liveIndex = options.liveStep === undefined ? undefined : specs[0]?.index;
  const running = specs.map(({ index, ...spec }) =>
    runOne<Role>(context, { ...spec, share: specs.length, signal: controller.signal }, (text) => {
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

/** Runs one call; `show` is told all its text, thinking first. */
async function runOne<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
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
