/** Removes the first stop sequence and everything after it: many upstreams ignore them. */
export function createStopFilter(stops: readonly string[]) {
  const sequences = stops.filter((stop) => stop !== "" && stop.isWellFormed());
  const longest = Math.max(0, ...sequences.map((stop) => stop.length));
  let held = "";
  let sequence: string | undefined;

  /** Number of characters at the end that could be the beginning of a stop sequence. */
  function openTail(text: string): number {
    for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
      const tail = text.slice(-length);
      if (sequences.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }

  return {
    /** Takes the next characters; returns those that certainly come before any stop sequence. */
    push(text: string): string {
      if (sequence !== undefined) return "";
      const all = held + text;
      let end = all.length;
      for (const stop of sequences) {
        const index = all.indexOf(stop);
        if (index < 0 || index >= end) continue;
        end = index;
        sequence = stop;
      }
      if (sequence === undefined) end -= openTail(all);
      held = sequence === undefined ? all.slice(end) : "";
      return all.slice(0, end);
    },
    /** Ends the text; returns what was held back. */
    end(): string {
      const rest = held;
      held = "";
      return rest;
    },
    /** The stop sequence that ended the text, if one did. */
    sequence: () => sequence,
  };
}
