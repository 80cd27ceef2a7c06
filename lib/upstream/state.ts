/**
 * What is known of each upstream's present state, shared by all requests.
 *
 * @module
 */
import { type Breaker, createBreaker } from "./breaker.ts";
import type { Clock } from "../clock.ts";
import { createKeyRing, type KeyRing } from "./keys.ts";
import type { UpstreamOptions } from "./options.ts";
import { createSlots, type Slots } from "./slots.ts";
import type { Target } from "./target.ts";

/** The state of one upstream. */
export interface UpstreamState {
  /** Its health. */
  breaker: Breaker;
  /** Its keys. */
  keys: KeyRing;
  /** How many calls it gets at once. */
  slots: Slots;
}

/** The states of all upstreams. */
export interface UpstreamStates {
  /** The state of this upstream. */
  of(upstream: UpstreamOptions): UpstreamState;
  /** The targets in the order in which to try them: those that are cooling down come last. */
  inOrder(targets: readonly Target[]): Target[];
}

/**
 * Creates states that live as long as the upstreams' options do.
 *
 * @param share the part of an upstream's `max_concurrency` that is ours.
 */
export function createUpstreamStates(
  clock: Clock,
  share: (bound: number) => number = (bound) => bound,
): UpstreamStates {
  const states = new WeakMap<UpstreamOptions, UpstreamState>();

  function of(upstream: UpstreamOptions): UpstreamState {
    let state = states.get(upstream);
    if (state === undefined) {
      state = {
        breaker: createBreaker(clock, upstream.breaker),
        keys: createKeyRing(upstream.api_key),
        slots: createSlots(share(upstream.max_concurrency)),
      };
      states.set(upstream, state);
    }
    return state;
  }

  return {
    of,
    inOrder(targets) {
      if (targets.length < 2) return [...targets];
      const ready = targets.filter(({ upstream }) => of(upstream).breaker.isReady());
      return [...ready, ...targets.filter((target) => !ready.includes(target))];
    },
  };
}
