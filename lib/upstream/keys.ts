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

/** @param keys returns the keys; read at each use, so that a key stays current after a reload. */
export function createKeyRing(keys: () => string | readonly string[] | undefined): KeyRing {
  const all = () => [keys() ?? []].flat();
  let last: string | undefined;

  function current(): string | undefined {
    const [first, ...others] = all();
    return last = others.find((key) => key === last) ?? first;
  }

  return {
    current,
    rotate(rejected, tried) {
      const ring = all();
      const at = ring.indexOf(current()!);
      const next = [...ring.slice(at), ...ring.slice(0, at)]
        .find((key) => key !== rejected && !tried.has(key));
      last = next ?? last;
      return next !== undefined;
    },
  };
}
