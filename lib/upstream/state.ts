import { abortable } from "@std/async";
import type { Clock } from "../clock.ts";
import { type Breaker, type BreakerCall, createBreaker } from "./breaker.ts";
import { createKeyRing, type KeyRing } from "./keys.ts";
import type { UpstreamOptions } from "./options.ts";
import { createSlots, type Slots } from "../slots.ts";
import type { Target } from "./target.ts";

/** State of one upstream, shared by all requests. */
export interface UpstreamState {
  /** The current options; a request that began before a reload has older ones. */
  options: UpstreamOptions;
  breaker: Breaker;
  keys: KeyRing;
  /** Bound the calls in flight; owners share them. */
  slots: Slots;
}

export interface UpstreamStatesOptions {
  clock: Clock;
  /** Maps `max_concurrency` to this process's share of it. */
  share: (maxConcurrency: number) => number;
  /** Returns whether there are several owners. */
  isShared: () => boolean;
  /** Called when an upstream begins to cool down after failures, and when it has answered again. */
  onBreaker?: ((target: Target, isOpen: boolean) => void) | undefined;
}

/** Creates the states of upstreams. Each belongs to a name and an address, and survives a reload. */
export function createUpstreamStates(
  { clock, share, isShared, onBreaker = () => {} }: UpstreamStatesOptions,
) {
  const states = new Map<string, UpstreamState>();
  const keyOf = ({ name, upstream }: Target) => `${name}\n${upstream.base_url}`;

  function create(target: Target): UpstreamState {
    const state: UpstreamState = {
      options: target.upstream,
      breaker: createBreaker(
        clock,
        () => state.options.breaker,
        (isOpen) => onBreaker(target, isOpen),
      ),
      keys: createKeyRing(clock, () => state.options),
      slots: createSlots(() => share(state.options.max_concurrency), isShared),
    };
    return state;
  }

  function get(target: Target): UpstreamState {
    const key = keyOf(target);
    let state = states.get(key);
    if (state === undefined) states.set(key, state = create(target));
    return state;
  }

  return {
    get,
    /** Applies the options of a new configuration, and forgets upstreams that are not in it. */
    update(targets: readonly Target[]): void {
      const current = new Map(targets.map((target) => [keyOf(target), target.upstream]));
      for (const [key, state] of states) {
        const options = current.get(key);
        if (options === undefined) states.delete(key);
        else state.options = options;
        state.slots.update();
      }
    },
    /**
     * Begins a call to the next target and removes it from `untried`. The next one is the first that
     * is ready. If all cool down, it is the first of all; if another call probes that one, its
     * success is waited for.
     *
     * @throws {UpstreamError} that of the other call, if it failed; the signal's reason on abort.
     */
    async begin(
      untried: Set<Target>,
      signal: AbortSignal,
    ): Promise<{ target: Target; state: UpstreamState; call: BreakerCall }> {
      for (;;) {
        const candidates = [...untried].map((target) => ({ target, state: get(target) }));
        const ready = candidates.find(({ state }) => state.breaker.isReady());
        const { target, state } = ready ?? candidates[0]!;
        const probe = ready === undefined ? state.breaker.probe() : undefined;
        if (probe === undefined) {
          untried.delete(target);
          // At once, so that no other call probes the upstream meanwhile.
          return { target, state, call: state.breaker.begin() };
        }
        const error = await abortable(probe, signal);
        if (error === undefined) continue;
        untried.delete(target);
        throw error;
      }
    },
  };
}
