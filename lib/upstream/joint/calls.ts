/**
 * Equal calls that go out as one, which asks for several samples. Its prompt is read and paid for
 * once.
 */
import { createQueue, type Queue } from "../../queue.ts";
import type { Capabilities } from "../capabilities/capabilities.ts";
import type { Target, UpstreamRequest, Wave } from "../target.ts";
import type { Delta } from "../wire/deltas.ts";
import type { TokenCounts } from "../wire/usage.ts";

/** A call as it was sent. */
export interface SentCall {
  target: Target;
  capabilities: Readonly<Capabilities>;
  /** Number of samples that it requests. */
  samples: number;
}

/** The part of a call's scope that is about its samples. */
export interface SamplesScope {
  signal: AbortSignal;
  /**
   * Called for every request sent upstream, retries and fallbacks included.
   *
   * @param number of the sample, if another call of the wave has requested it; this is then called
   *   when its first piece arrives.
   */
  onSend?: (sent: SentCall, number?: number) => void;
  /** Called with the usage of a call for several samples: of one of them, or of all. */
  onUsage?: (usage: TokenCounts, number: number | undefined) => void;
}

type Call<Scope> = (
  targets: readonly Target[],
  request: UpstreamRequest,
  scope: Scope,
) => AsyncGenerator<Delta>;

/** Joint calls that are being made. */
export type JointCalls = WeakMap<Wave, JointCall>;

/** What a member of a joint call is waiting for. */
type Item =
  /** The call is answered for this member too. */
  | { begun: SentCall }
  | { delta: Delta }
  | { error: unknown }
  /** The upstream gives this member no sample. */
  | "alone"
  | "end";

interface JointCall {
  /** Returns the number of a new member; undefined if all places are taken, or all members left. */
  join(): number | undefined;
  queues: readonly Queue<Item>[];
  /** Called once by each member. The last one ends the call, and waits for that. */
  leave(): Promise<void>;
}

/**
 * Makes one of the calls of a wave. They are sent as one when the first of them is made. A call that
 * the upstream gives no sample is then made alone.
 */
export async function* callJointly<Scope extends SamplesScope>(
  call: Call<Scope>,
  jointCalls: JointCalls,
  targets: readonly Target[],
  { wave, ...alone }: UpstreamRequest & { wave: Wave },
  scope: Scope,
): AsyncGenerator<Delta> {
  const joint = jointCalls.get(wave) ?? startJointCall(call, targets, { ...alone, wave }, scope);
  jointCalls.set(wave, joint);
  const number = joint.join();
  if (number === undefined) return yield* call(targets, alone, scope);
  let isAlone = false;
  try {
    for (;;) {
      const item = await joint.queues[number]!.take(scope.signal);
      if (item === "end") return;
      if (item === "alone") {
        isAlone = true;
        break;
      }
      if ("error" in item) throw item.error;
      if ("delta" in item) yield item.delta;
      else if (number > 0) scope.onSend?.(item.begun, number);
    }
  } finally {
    await joint.leave();
  }
  if (isAlone) yield* call(targets, alone, scope);
}

function startJointCall<Scope extends SamplesScope>(
  call: Call<Scope>,
  targets: readonly Target[],
  request: UpstreamRequest & { wave: Wave },
  scope: Scope,
): JointCall {
  const { wave } = request;
  const places = wave.size;
  const queues = Array.from({ length: places }, () => createQueue<Item>());
  const controller = new AbortController();
  /** Members whose samples are not complete. */
  const waiting = new Set(queues.keys());
  const begun = new Set<number>();
  /** Samples that a gateway has ended with their first piece, as some do with every piece. */
  const uncertain = new Set<number>();
  let joined = 0;
  let left = 0;
  let sent: SentCall | undefined;

  function finish(number: number, item: "alone" | "end" | { error: unknown }): void {
    if (waiting.delete(number)) queues[number]!.put(item);
  }

  function pass({ sample, usage, ...delta }: Delta): void {
    if (usage !== undefined) scope.onUsage?.(usage, sample);
    // A call for one sample names none.
    const number = sample ?? 0;
    if (!waiting.has(number) || Object.keys(delta).length === 0) return;
    if (!begun.has(number)) {
      begun.add(number);
      if (delta.finishReason !== undefined) uncertain.add(number);
      queues[number]!.put({ begun: sent! });
    }
    queues[number]!.put({ delta });
    const isComplete = delta.finishReason !== undefined && !uncertain.has(number);
    // The last one also waits for the usage.
    if (isComplete && waiting.size > 1) finish(number, "end");
  }

  async function run(): Promise<void> {
    const jointScope: Scope = {
      ...scope,
      signal: controller.signal,
      onSend(current: SentCall) {
        scope.onSend?.(current);
        sent = current;
        wave.size = current.samples;
        for (const number of waiting) if (number >= wave.size) finish(number, "alone");
      },
    };
    try {
      for await (const delta of call(targets, request, jointScope)) pass(delta);
      for (const number of waiting) finish(number, begun.has(number) ? "end" : "alone");
    } catch (error) {
      for (const number of waiting) finish(number, { error });
    }
  }

  let running: Promise<void> | undefined;
  return {
    queues,
    join() {
      if (controller.signal.aborted || joined === places) return undefined;
      running ??= run();
      return joined++;
    },
    async leave() {
      if (++left < joined) return;
      controller.abort(new DOMException("No longer needed", "AbortError"));
      await running;
    },
  };
}
