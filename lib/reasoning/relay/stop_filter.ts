/**
 * Ends a text at a stop sequence, for upstreams that do not.
 *
 * @module
 */

/** A streaming filter. */
export interface StopFilter {
  /** Takes the next characters; gives out those that are certain to come before any stop. */
  push(text: string): string;
  /** What was held back. */
  end(): string;
  /** Whether a stop sequence has come; nothing follows it. */
  stopped(): boolean;
  /** The stop sequence that has come. */
  sequence(): string | undefined;
}

/** Lets all through. */
const NO_STOPS: StopFilter = {
  push: (text) => text,
  end: () => "",
  stopped: () => false,
  sequence: () => undefined,
};

/** Creates a filter; the stop sequence itself is not given out. */
export function createStopFilter(stops: readonly string[]): StopFilter {
  const sequences = stops.filter((stop) => stop !== "");
  if (sequences.length === 0) return NO_STOPS;
  const longest = Math.max(0, ...sequences.map((stop) => stop.length));
  let held = "";
  let sequence: string | undefined;

  /** How many characters at the end could be the beginning of a stop sequence. */
  function openTail(text: string): number {
    for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
      const tail = text.slice(text.length - length);
      if (sequences.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }

  return {
    push(text) {
      if (sequence !== undefined) return "";
      const all = held + text;
      let at = all.length;
      for (const stop of sequences) {
        const found = all.indexOf(stop);
        if (found < 0 || found >= at) continue;
        at = found;
        sequence = stop;
      }
      const keep = sequence === undefined ? openTail(all) : 0;
      held = all.slice(all.length - keep);
      return all.slice(0, sequence === undefined ? all.length - keep : at);
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
    stopped() {
      return sequence !== undefined;
    },
    sequence() {
      return sequence;
    },
  };
}
