/**
 * The keys of one upstream, and which of them is in use.
 *
 * @module
 */

/** A ring of keys. */
export interface KeyRing {
  /** The key in use; undefined where there is none. */
  current(): string | undefined;
  /**
   * Moves on from a key that was refused. A call that finds the ring moved on already gets the
   * key in use.
   *
   * @param tried the keys that this call has tried.
   * @returns whether there is one that it has not.
   */
  rotate(refused: string | undefined, tried: ReadonlySet<string | undefined>): boolean;
}

/** Creates the ring; the first key is in use. */
export function createKeyRing(keys: string | readonly string[] | undefined): KeyRing {
  const all = keys === undefined ? [] : typeof keys === "string" ? [keys] : keys;
  let at = 0;
  return {
    current: () => all[at],
    rotate(refused, tried) {
      for (let i = 0; i < all.length; i++) {
        if (all[at] !== refused && !tried.has(all[at])) return true;
        at = (at + 1) % all.length;
      }
      return false;
    },
  };
}
