import type { Clock } from "../clock.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import { createKeyRing, type KeyRing } from "./keys.ts";
import type { UpstreamOptions } from "./options.ts";
import { createSlots, type Slots } from "./slots.ts";
import type { Target } from "./target.ts";

/** State of one upstream, shared by all requests. */
export interface UpstreamState {
  breaker: Breaker;
  keys: KeyRing;
  /** Bound the calls in flight; owners share them. */
  slots: Slots;
}

export interface UpstreamStates {
  get(upstream: UpstreamOptions): UpstreamState;
  /** Returns the targets in the order in which to try them: those that cool down come last. */
  inOrder(targets: readonly Target[]): Target[];
}

/**
 * Creates states that live as long as the upstreams' options.
 *
 * @param share maps `max_concurrency` to this process's share of it.
 * @param isShared returns whether there are several owners.
 */
export function createUpstreamStates(
  clock: Clock,
  share: (maxConcurrency: number) => number,
  isShared: () => boolean,
): UpstreamStates {
  const states = new WeakMap<UpstreamOptions, UpstreamState>();

  function get(upstream: UpstreamOptions): UpstreamState {
    let state = states.get(upstream);
    if (state === undefined) {
      state = {
        breaker: createBreaker(clock, upstream.breaker),
        keys: createKeyRing(upstream.api_key),
        slots: createSlots(() => share(upstream.max_concurrency), isShared),
      };
      states.set(upstream, state);
    }
    return state;
  }

  return {
    get,
    inOrder(targets) {
      if (targets.length < 2) return [...targets];
      const ready = new Set(targets.filter(({ upstream }) => get(upstream).breaker.isReady()));
      return [...ready, ...targets.filter((target) => !ready.has(target))];
    },
  };
}
