/** The API keys of one upstream. */
export interface KeyRing {
  /** Returns undefined if there are no keys. */
  current(): string | undefined;
  /**
   * Moves on from a key that was rejected, unless another call has done so already.
   *
   * @param tried the keys that this call has sent.
   * @returns whether the current key is one that this call has not sent.
   */
  rotate(rejected: string | undefined, tried: ReadonlySet<string | undefined>): boolean;
}

export function createKeyRing(keys: string | readonly string[] = []): KeyRing {
  const all = [keys].flat();
  let at = 0;
  return {
    current: () => all[at],
    rotate(rejected, tried) {
      for (let i = 0; i < all.length; i++) {
        if (all[at] !== rejected && !tried.has(all[at])) return true;
        at = (at + 1) % all.length;
      }
      return false;
    },
  };
}
