/** Several calls at once. One of them is shown live. */
import { type CandidateEvent, type ReasoningEvent, UpstreamError } from "../events.ts";
import type { CallContext, CallSpec } from "../strategy.ts";
import type { MessageState } from "./private_thinking.ts";
import type { Wave } from "../../upstream/target.ts";
import type { ToolCallDelta } from "../../upstream/wire/tool_calls.ts";
import { createToolCallNumbering } from "./answer.ts";
import { createQueue } from "../../queue.ts";
import { createUntitledStep } from "./untitled_step.ts";

export interface Sample {
  /** Number of the call in the run, from 0. */
  index: number;
  /** The answer without its thinking. */
  text: string;
  thinking: string;
  /** Whether the text was cut off by its length. */
  cut: boolean;
  /** Last lines of what tools have computed for it. */
  computed?: string[];
  /** Whole calls; empty unless the call has the client's tools. */
  toolCalls: ToolCallDelta[];
  /** Pieces of what the provider wants back with the answer. */
  state: MessageState[];
}

/** @param answer the extracted answer, if one was found. */
export function candidate(sample: Sample, answer?: string): CandidateEvent {
  const { index } = sample;
  return { type: "candidate", index, answer: answer ?? null, text: sampleText(sample) };
}

/** Returns the text to show; the thinking if the sample ended before its answer. */
export function sampleText({ text, thinking }: Sample): string {
  return text || thinking;
}

/** Returns the samples that were not cut off, or all if each was. */
export function preferComplete(samples: readonly Sample[]): readonly Sample[] {
  const complete = samples.filter(({ cut }) => !cut);
  return complete.length > 0 ? complete : samples;
}

/** Returns the sample with the shortest complete text; there must be at least one. */
export function shortest(samples: readonly Sample[]): Sample {
  return preferComplete(samples)
    .reduce((best, sample) => sample.text.length < best.text.length ? sample : best);
}

export interface SampleSpec<Role extends string>
  extends Omit<CallSpec<Role>, "signal" | "visible" | "wave"> {
  /** Number of the call in the run, from 0. */
  index: number;
}

export interface ParallelOptions {
  /** Number of the step that shows the first call live; undefined: none is shown. */
  liveStep?: number | undefined;
  /**
   * Called when a call completes.
   *
   * @returns events to show, and whether the other calls are no longer needed.
   */
  onSample?: (sample: Sample) => { lines?: ReasoningEvent[]; done?: boolean };
  /**
   * Longest wait for the other calls once most have ended and one has succeeded, in milliseconds.
   * Default: no limit.
   */
  patienceMs?: number;
}

export interface Samples {
  /** The completed calls, in the order of completion. */
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
 * Makes all calls at once. The first one's text is shown as an untitled step; lines about the
 * others wait for its end. Failed calls are left out, and calls no longer needed are aborted.
 *
 * @throws errors other than {@linkcode UpstreamError}, such as the signal's reason.
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
  const waves = wavesOf(context, specs);
  const running = specs.map(({ index, ...spec }, i) =>
    runSample<Role>(context, {
      ...spec,
      share: specs.length,
      wave: waves[i],
      signal: controller.signal,
    }, (text) => {
      if (index === liveIndex) queue.put({ type: "text", text });
    }).then(
      (sample) => queue.put({ type: "sample", sample: { ...sample, index } }),
      (error) => queue.put({ type: "failed", index, error }),
    )
  );
  const out: Samples = { samples: [], error: undefined };
  const lines: ReasoningEvent[] = [];
  let left = specs.length;
  const { patienceMs } = options;
  const enough = Math.min(specs.length - 1, Math.floor(specs.length / 2) + 1);
  let cancelTimer: (() => void) | undefined;
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
        const decision = options.onSample?.(item.sample);
        lines.push(...decision?.lines ?? []);
        done = decision?.done ?? false;
      }
      if (!live.isOpen()) yield* lines.splice(0);
      if (
        patienceMs !== undefined && cancelTimer === undefined && out.samples.length > 0 &&
        specs.length - left >= enough
      ) cancelTimer = context.clock.timer(patienceMs, () => queue.put({ type: "late" }));
    }
    yield* live.end();
    yield* lines;
    return out;
  } finally {
    cancelTimer?.();
    controller.abort(new DOMException("No longer needed", "AbortError"));
    await Promise.all(running);
  }
}

/** Returns the wave of each call: those with the same model, messages and temperature are equal. */
function wavesOf<Role extends string>(
  { isSameModel, maxCalls }: CallContext<never, Role>,
  specs: readonly SampleSpec<Role>[],
): (Wave | undefined)[] {
  const isEqual = (a: SampleSpec<Role>, b: SampleSpec<Role>) =>
    a.messages === b.messages && a.temperature === b.temperature && isSameModel(a.role, b.role);
  const waves: { first: SampleSpec<Role>; wave: Wave }[] = [];
  return specs.map((spec) => {
    const size = specs.filter((other) => isEqual(spec, other)).length;
    if (size === 1) return undefined;
    const found = waves.find(({ first }) => isEqual(first, spec));
    if (found !== undefined) return found.wave;
    const wave = { size: Math.min(size, maxCalls) };
    waves.push({ first: spec, wave });
    return wave;
  });
}

/** A joint call that fails midway loses all its samples, so each may be requested once more. */
async function runSample<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  show: (text: string) => void,
): Promise<Omit<Sample, "index">> {
  try {
    return await runOne(context, spec, show);
  } catch (error) {
    const wasJoint = spec.wave !== undefined && spec.wave.size > 1;
    const mayRepeat = wasJoint && error instanceof UpstreamError && context.spendRetry(error);
    if (!mayRepeat) throw error;
    return await runOne(context, { ...spec, wave: undefined }, () => {});
  }
}

/** @param show called with all text of the call, thinking first. */
async function runOne<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  show: (text: string) => void,
): Promise<Omit<Sample, "index">> {
  const text: string[] = [];
  const thinking: string[] = [];
  const toolCalls: ToolCallDelta[] = [];
  const state: MessageState[] = [];
  const computed: string[] = [];
  const numbered = createToolCallNumbering(
    context.request.final.parallel_tool_calls === false,
  );
  let cut = false;
  for await (const delta of context.call(spec)) {
    const { reasoning, content, thought, finishReason } = delta;
    state.push(...delta.state ?? []);
    computed.push(...delta.computed ?? []);
    for (const piece of delta.toolCalls ?? []) {
      const call = numbered(piece);
      if (call === undefined) continue;
      const begun = toolCalls[call.index];
      toolCalls[call.index] = {
        ...begun,
        ...call,
        arguments: (begun?.arguments ?? "") + call.arguments,
      };
    }
    if (thought !== undefined) {
      thinking.push(...text.splice(0), thought);
      show(thought);
    }
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
  return { text: text.join(""), thinking: thinking.join(""), cut, computed, toolCalls, state };
}
